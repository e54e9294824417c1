import java.net.URI;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;

/** Trades of made-up stocks, as JSON, keyed by stock: `TradeWriter STREAM COUNT`. */
final class TradeWriter {
    // The first is traded most, the last least.
    static final List<String> STOCKS = List.of("MILL", "GRAN", "FLUX", "DOVE", "CORK", "BARK");

    public static void main(String[] arguments) {
        var client = KinesisAsyncClient.builder()
                .endpointOverride(URI.create(System.getenv("KINESIS_ENDPOINT")))
                .region(Region.US_EAST_1)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
                .build();
        var random = new Random(1);
        int left = Integer.parseInt(arguments[1]);
        for (; left > 0; left -= 50) {
            var puts = IntStream.range(0, Math.min(50, left)).mapToObj(i -> {
                var stock = STOCKS.get(Math.min(random.nextInt(6), random.nextInt(6)));
                var trade = String.format(
                        "{\"stock\":\"%s\",\"kind\":\"%s\",\"shares\":%d,\"cents\":%d}",
                        stock, random.nextInt(5) < 3 ? "BUY" : "SELL", 1 + random.nextInt(500), 100 + random.nextInt(9_900));
                return client.putRecord(r -> r.streamName(arguments[0])
                        .partitionKey(stock)
                        .data(SdkBytes.fromUtf8String(trade)));
            });
            CompletableFuture.allOf(puts.toArray(CompletableFuture[]::new)).join();
        }
        client.close();
    }
}
