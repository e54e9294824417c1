import com.amazonaws.auth.AWSStaticCredentialsProvider;
import com.amazonaws.auth.BasicAWSCredentials;
import com.amazonaws.client.builder.AwsClientBuilder.EndpointConfiguration;
import com.amazonaws.services.kinesis.AmazonKinesis;
import com.amazonaws.services.kinesis.AmazonKinesisClientBuilder;
import com.amazonaws.services.kinesis.model.ChildShard;
import com.amazonaws.services.kinesis.model.DescribeStreamSummaryRequest;
import com.amazonaws.services.kinesis.model.GetRecordsRequest;
import com.amazonaws.services.kinesis.model.GetRecordsResult;
import com.amazonaws.services.kinesis.model.ListShardsRequest;
import com.amazonaws.services.kinesis.model.PutRecordRequest;
import com.amazonaws.services.kinesis.model.PutRecordsRequest;
import com.amazonaws.services.kinesis.model.PutRecordsRequestEntry;
import com.amazonaws.services.kinesis.model.Record;
import com.amazonaws.services.kinesis.model.ResourceNotFoundException;
import com.amazonaws.services.kinesis.model.Shard;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** The AWS SDK for Java v1, which speaks CBOR. */
final class SdkV1 {
    static final String STREAM = "java1";
    static final String PARENT = "shardId-000000000000";

    // readme:begin
    static final AmazonKinesis CLIENT = AmazonKinesisClientBuilder.standard()
            .withEndpointConfiguration(
                    new EndpointConfiguration(System.getenv("KINESIS_ENDPOINT"), "us-east-1")) // "http://127.0.0.1:4566"
            .withCredentials(new AWSStaticCredentialsProvider(new BasicAWSCredentials("test", "test")))
            .build();
    // readme:end

    public static void main(String[] arguments) {
        Steps.step("create, describe", SdkV1::create);
        Steps.step("put 500, get 500, in order", SdkV1::putAndGet);
        Steps.step("put one after the other, in order", SdkV1::putInOrder);
        Steps.step("a refusal has its class", SdkV1::refusal);
        Steps.step("reshard: the parent ends with its children", SdkV1::reshard);
        Steps.step("delete", SdkV1::delete);
        Steps.end();
    }

    static void create() throws Exception {
        CLIENT.createStream(STREAM, 2);
        active();
        Steps.equal(shards().size(), 2);
    }

    static void active() throws Exception {
        var ask = new DescribeStreamSummaryRequest().withStreamName(STREAM);
        Steps.waitUntil("the stream is ACTIVE", () -> CLIENT.describeStreamSummary(ask)
                .getStreamDescriptionSummary()
                .getStreamStatus()
                .equals("ACTIVE"));
    }

    static List<Shard> shards() {
        return CLIENT.listShards(new ListShardsRequest().withStreamName(STREAM)).getShards();
    }

    /** Adds the records of a shard up to its tip or end, and returns the last reply. */
    static GetRecordsResult drained(String shard, List<Record> records) {
        var position = CLIENT.getShardIterator(STREAM, shard, "TRIM_HORIZON").getShardIterator();
        while (true) {
            var reply = CLIENT.getRecords(new GetRecordsRequest().withShardIterator(position));
            records.addAll(reply.getRecords());
            position = reply.getNextShardIterator();
            if (position == null || reply.getRecords().isEmpty()) {
                return reply;
            }
        }
    }

    static void putAndGet() {
        var expected = IntStream.range(0, 500).mapToObj(i -> "r" + i).sorted().toList();
        var entries = expected.stream()
                .map(text -> new PutRecordsRequestEntry()
                        .withData(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)))
                        .withPartitionKey(text))
                .toList();
        var put = CLIENT.putRecords(new PutRecordsRequest().withStreamName(STREAM).withRecords(entries));
        Steps.equal(put.getFailedRecordCount(), 0);
        var found = new ArrayList<String>();
        for (Shard shard : shards()) {
            var records = new ArrayList<Record>();
            Steps.equal(drained(shard.getShardId(), records).getMillisBehindLatest(), 0L);
            var numbers = records.stream().map(record -> new BigInteger(record.getSequenceNumber())).toList();
            Steps.equal(numbers, numbers.stream().sorted().distinct().toList());
            for (Record record : records) {
                found.add(StandardCharsets.UTF_8.decode(record.getData()).toString());
                var age = System.currentTimeMillis() - record.getApproximateArrivalTimestamp().getTime();
                Steps.equal(Math.abs(age) < 60_000, true);
            }
        }
        Steps.equal(found.stream().sorted().toList(), expected);
    }

    static void putInOrder() {
        var put = new PutRecordRequest()
                .withStreamName(STREAM)
                .withPartitionKey("p")
                .withExplicitHashKey("0")
                .withData(ByteBuffer.wrap(new byte[] {1}));
        var first = CLIENT.putRecord(put).getSequenceNumber();
        var second = CLIENT.putRecord(put.withSequenceNumberForOrdering(first)).getSequenceNumber();
        Steps.equal(new BigInteger(first).compareTo(new BigInteger(second)), -1);
    }

    static void refusal() {
        try {
            CLIENT.describeStream("nowhere");
        } catch (ResourceNotFoundException error) {
            Steps.equal(error.getErrorMessage(), "Stream nowhere under account 000000000000 not found.");
            return;
        }
        throw new AssertionError("described");
    }

    static void reshard() throws Exception {
        CLIENT.splitShard(STREAM, PARENT, BigInteger.ONE.shiftLeft(126).toString());
        active();
        var reply = drained(PARENT, new ArrayList<>());
        Steps.equal(reply.getNextShardIterator(), null);
        Steps.equal(
                reply.getChildShards().stream().map(ChildShard::getShardId).toList(),
                List.of("shardId-000000000002", "shardId-000000000003"));
    }

    static void delete() throws Exception {
        CLIENT.deleteStream(STREAM);
        Steps.waitUntil("the stream is gone", () -> CLIENT.listStreams().getStreamNames().isEmpty());
    }
}
