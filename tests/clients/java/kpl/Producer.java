import com.google.common.util.concurrent.ListenableFuture;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.kinesis.producer.KinesisProducer;
import software.amazon.kinesis.producer.KinesisProducerConfiguration;
import software.amazon.kinesis.producer.UserRecordResult;

/** The KPL, whose native daemon aggregates and speaks TLS only: `Producer STREAM PREFIX COUNT` puts as many, one a millisecond. */
final class Producer {
    // readme:begin
    static KinesisProducer producer(URI endpoint, String ca) { // "https://localhost:4566", "ca.pem"
        return new KinesisProducer(new KinesisProducerConfiguration()
                .setKinesisEndpoint(endpoint.getHost())
                .setKinesisPort(endpoint.getPort())
                .setCaCertFile(ca)
                .setRegion("us-east-1")
                .setCredentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
                .setMetricsLevel("none"));
    }
    // readme:end

    public static void main(String[] arguments) throws Exception {
        var producer = producer(URI.create(System.getenv("KINESIS_ENDPOINT")), System.getenv("KINESIS_CA"));
        var results = new ArrayList<ListenableFuture<UserRecordResult>>();
        for (int i = 0; i < Integer.parseInt(arguments[2]); i++) {
            var text = arguments[1] + "-" + i;
            var data = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
            results.add(producer.addUserRecord(arguments[0], text, data));
            Thread.sleep(1);
        }
        producer.flushSync();
        for (ListenableFuture<UserRecordResult> result : results) {
            if (!result.get().isSuccessful()) {
                throw new AssertionError(result.get().getAttempts().toString());
            }
        }
        producer.destroy();
    }
}
