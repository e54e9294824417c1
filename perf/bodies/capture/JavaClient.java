// Sends one request with the AWS SDK for Java v2, in CBOR as it does by default: the operation and its input come from
// OPERATION and the file INPUT, the endpoint from KINESIS_ENDPOINT.

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.http.apache.ApacheHttpClient;
import software.amazon.awssdk.protocols.jsoncore.JsonNode;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.kinesis.KinesisClient;
import software.amazon.awssdk.services.kinesis.model.PutRecordsRequestEntry;

public class JavaClient {
    public static void main(String[] args) throws Exception {
        JsonNode in = JsonNode.parser().parse(Files.readString(Path.of(System.getenv("INPUT"))));
        var credentials = AwsBasicCredentials.create("AKIAIOSFODNN7EXAMPLE", "secret");
        try (var client = KinesisClient.builder()
                .httpClient(ApacheHttpClient.create())
                .region(Region.US_EAST_1)
                .endpointOverride(URI.create(System.getenv("KINESIS_ENDPOINT")))
                .credentialsProvider(StaticCredentialsProvider.create(credentials))
                .build()) {
            switch (System.getenv("OPERATION")) {
                case "PutRecords" -> client.putRecords(request -> request
                        .streamName(text(in, "StreamName")).streamARN(text(in, "StreamARN"))
                        .records(in.field("Records").get().asArray().stream().map(JavaClient::entry).toList()));
                case "PutRecord" -> client.putRecord(request -> request
                        .streamName(text(in, "StreamName")).streamARN(text(in, "StreamARN"))
                        .data(SdkBytes.fromUtf8String(text(in, "Data"))).partitionKey(text(in, "PartitionKey"))
                        .explicitHashKey(text(in, "ExplicitHashKey")));
                case "GetRecords" -> client.getRecords(request -> request
                        .shardIterator(text(in, "ShardIterator")).streamARN(text(in, "StreamARN"))
                        .limit(Integer.valueOf(in.field("Limit").get().asNumber())));
                default -> throw new IllegalArgumentException(System.getenv("OPERATION"));
            }
        }
    }

    private static PutRecordsRequestEntry entry(JsonNode record) {
        return PutRecordsRequestEntry.builder().data(SdkBytes.fromUtf8String(text(record, "Data")))
                .partitionKey(text(record, "PartitionKey")).explicitHashKey(text(record, "ExplicitHashKey")).build();
    }

    private static String text(JsonNode in, String member) {
        return in.field(member).map(JsonNode::text).orElse(null);
    }
}
