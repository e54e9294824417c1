import static software.amazon.awssdk.services.kinesis.model.ShardIteratorType.TRIM_HORIZON;

import java.math.BigInteger;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.retries.api.BackoffStrategy;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisClient;
import software.amazon.awssdk.services.kinesis.model.ChildShard;
import software.amazon.awssdk.services.kinesis.model.Consumer;
import software.amazon.awssdk.services.kinesis.model.ConsumerStatus;
import software.amazon.awssdk.services.kinesis.model.GetRecordsResponse;
import software.amazon.awssdk.services.kinesis.model.PutRecordRequest;
import software.amazon.awssdk.services.kinesis.model.PutRecordsRequestEntry;
import software.amazon.awssdk.services.kinesis.model.Record;
import software.amazon.awssdk.services.kinesis.model.ResourceNotFoundException;
import software.amazon.awssdk.services.kinesis.model.Shard;
import software.amazon.awssdk.services.kinesis.model.StreamStatus;
import software.amazon.awssdk.services.kinesis.model.SubscribeToShardEvent;
import software.amazon.awssdk.services.kinesis.model.SubscribeToShardResponseHandler;
import software.amazon.awssdk.services.kinesis.waiters.KinesisWaiter;

/**
 * The AWS SDK for Java v2: its synchronous client, which speaks HTTP/1.1, and the asynchronous one, which speaks HTTP/2,
 * over TLS too without having asked for it by ALPN.
 */
final class SdkV2 {
    static final String ENDPOINT = System.getenv("KINESIS_ENDPOINT");
    static final String STREAM = "java";
    static final String PARENT = "shardId-000000000000";

    // readme:begin
    static final StaticCredentialsProvider CREDENTIALS =
            StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test"));
    static final KinesisClient CLIENT = KinesisClient.builder()
            .endpointOverride(URI.create(ENDPOINT)) // "http://127.0.0.1:4566"
            .region(Region.US_EAST_1)
            .credentialsProvider(CREDENTIALS)
            .build();
    static final KinesisAsyncClient ASYNC_CLIENT = KinesisAsyncClient.builder()
            .endpointOverride(URI.create(ENDPOINT))
            .region(Region.US_EAST_1)
            .credentialsProvider(CREDENTIALS)
            .build();
    // readme:end

    static final KinesisWaiter WAITER = KinesisWaiter.builder()
            .client(CLIENT)
            .overrideConfiguration(how -> how.backoffStrategyV2(BackoffStrategy.fixedDelay(Duration.ofSeconds(1))))
            .build();
    static String arn;
    static String consumer;
    static int putToParent;

    public static void main(String[] arguments) {
        Steps.step("create, wait, describe", SdkV2::create);
        Steps.step("put 500, get 500, in order", SdkV2::putAndGet);
        Steps.step("put one after the other, in order", SdkV2::putInOrder);
        Steps.step("a refusal has its class", SdkV2::refusal);
        Steps.step("paginators", SdkV2::paginators);
        Steps.step("asynchronous: 50 puts at once, and each is read", SdkV2::manyAtOnce);
        Steps.step("asynchronous: a refusal has its class", SdkV2::asynchronousRefusal);
        Steps.step("asynchronous: SubscribeToShard: what is put meanwhile, to the shard's end", SdkV2::fanOut);
        Steps.step("asynchronous: the parent ends with its children", SdkV2::shardEnd);
        Steps.step("delete, wait", SdkV2::delete);
        Steps.end();
    }

    static void create() throws Exception {
        CLIENT.createStream(r -> r.streamName(STREAM).shardCount(2));
        WAITER.waitUntilStreamExists(r -> r.streamName(STREAM));
        active();
        Steps.equal(CLIENT.listShards(r -> r.streamName(STREAM)).shards().size(), 2);
    }

    static void active() throws Exception {
        Steps.waitUntil("the stream is ACTIVE", () -> {
            var found = CLIENT.describeStreamSummary(r -> r.streamName(STREAM)).streamDescriptionSummary();
            arn = found.streamARN();
            return found.streamStatus() == StreamStatus.ACTIVE;
        });
    }

    /** All records of a shard up to its tip or end, by the synchronous client. */
    static List<Record> drained(String shard) {
        var records = new ArrayList<Record>();
        String first =
                CLIENT.getShardIterator(r -> r.streamName(STREAM).shardId(shard).shardIteratorType(TRIM_HORIZON))
                        .shardIterator();
        for (String position = first; position != null; ) {
            String here = position;
            var reply = CLIENT.getRecords(r -> r.shardIterator(here));
            records.addAll(reply.records());
            position = reply.records().isEmpty() ? null : reply.nextShardIterator();
        }
        return records;
    }

    static void putAndGet() {
        var expected = IntStream.range(0, 500).mapToObj(i -> "r" + i).sorted().toList();
        var entries = expected.stream()
                .map(text -> PutRecordsRequestEntry.builder()
                        .data(SdkBytes.fromUtf8String(text))
                        .partitionKey(text)
                        .build())
                .toList();
        Steps.equal(CLIENT.putRecords(r -> r.streamName(STREAM).records(entries)).failedRecordCount(), 0);
        var found = new ArrayList<String>();
        for (Shard shard : CLIENT.listShards(r -> r.streamName(STREAM)).shards()) {
            var records = drained(shard.shardId());
            var numbers = records.stream().map(record -> new BigInteger(record.sequenceNumber())).toList();
            Steps.equal(numbers, numbers.stream().sorted().distinct().toList());
            for (Record record : records) {
                found.add(record.data().asUtf8String());
                var age = Duration.between(record.approximateArrivalTimestamp(), Instant.now());
                Steps.equal(age.abs().toSeconds() < 60, true);
            }
        }
        Steps.equal(found.stream().sorted().toList(), expected);
    }

    static void putInOrder() {
        var put = PutRecordRequest.builder()
                .streamName(STREAM)
                .partitionKey("p")
                .explicitHashKey("0")
                .data(SdkBytes.fromUtf8String("one"));
        var first = CLIENT.putRecord(put.build()).sequenceNumber();
        var second = CLIENT.putRecord(put.sequenceNumberForOrdering(first).build()).sequenceNumber();
        Steps.equal(new BigInteger(first).compareTo(new BigInteger(second)), -1);
    }

    static void refusal() {
        try {
            CLIENT.describeStream(r -> r.streamName("nowhere"));
        } catch (ResourceNotFoundException error) {
            isAboutNowhere(error);
            return;
        }
        throw new AssertionError("described");
    }

    static void isAboutNowhere(ResourceNotFoundException error) {
        Steps.equal(
                error.awsErrorDetails().errorMessage(), "Stream nowhere under account 000000000000 not found.");
        Steps.equal(error.statusCode(), 400);
        Steps.equal(error.requestId().isEmpty(), false);
    }

    static void paginators() throws Exception {
        CLIENT.registerStreamConsumer(r -> r.streamARN(arn).consumerName("other"));
        consumer = CLIENT.registerStreamConsumer(r -> r.streamARN(arn).consumerName("one")).consumer().consumerARN();
        Steps.waitUntil("the consumer is ACTIVE", () -> CLIENT
                        .describeStreamConsumer(r -> r.consumerARN(consumer))
                        .consumerDescription()
                        .consumerStatus()
                == ConsumerStatus.ACTIVE);
        var names = CLIENT.listStreamConsumersPaginator(r -> r.streamARN(arn).maxResults(1)).stream()
                .flatMap(page -> page.consumers().stream())
                .map(Consumer::consumerName)
                .sorted()
                .toList();
        Steps.equal(names, List.of("one", "other"));
    }

    static void manyAtOnce() {
        var puts = IntStream.range(0, 50)
                .mapToObj(i -> ASYNC_CLIENT.putRecord(r -> r.streamName(STREAM)
                        .partitionKey("p" + i)
                        .explicitHashKey("0")
                        .data(SdkBytes.fromByteArray(new byte[] {(byte) 0xff, (byte) i}))))
                .toList();
        var numbers = new HashSet<String>();
        puts.forEach(put -> numbers.add(put.join().sequenceNumber()));
        Steps.equal(numbers.size(), 50);
        var records = new ArrayList<Record>();
        GetRecordsResponse reply = asynchronouslyDrained(records);
        putToParent = records.size();
        records.forEach(record -> numbers.remove(record.sequenceNumber()));
        Steps.equal(numbers.size(), 0);
        Steps.equal(reply.millisBehindLatest(), 0L);
    }

    /** Adds the parent's records up to its tip or end, and returns the last reply. */
    static GetRecordsResponse asynchronouslyDrained(List<Record> records) {
        String first = ASYNC_CLIENT
                .getShardIterator(r -> r.streamName(STREAM).shardId(PARENT).shardIteratorType(TRIM_HORIZON))
                .join()
                .shardIterator();
        for (var position = first; ; ) {
            String here = position;
            var reply = ASYNC_CLIENT.getRecords(r -> r.shardIterator(here)).join();
            records.addAll(reply.records());
            position = reply.nextShardIterator();
            if (position == null || reply.records().isEmpty()) {
                return reply;
            }
        }
    }

    static void asynchronousRefusal() {
        try {
            ASYNC_CLIENT.describeStream(r -> r.streamName("nowhere")).join();
        } catch (CompletionException error) {
            isAboutNowhere((ResourceNotFoundException) error.getCause());
            return;
        }
        throw new AssertionError("described");
    }

    static void fanOut() throws Exception {
        var found = new AtomicInteger();
        var last = new AtomicReference<SubscribeToShardEvent>();
        var changing = new AtomicReference<CompletableFuture<?>>();
        var handler = SubscribeToShardResponseHandler.builder()
                .subscriber(one -> {
                    var event = (SubscribeToShardEvent) one;
                    found.addAndGet(event.records().size());
                    last.set(event);
                    if (changing.get() == null) {
                        changing.set(putAndSplit());
                    }
                })
                .build();
        ASYNC_CLIENT
                .subscribeToShard(
                        r -> r.consumerARN(consumer).shardId(PARENT).startingPosition(p -> p.type(TRIM_HORIZON)),
                        handler)
                .get(30, TimeUnit.SECONDS);
        changing.get().join();
        Steps.equal(found.get(), putToParent + 1);
        Steps.equal(last.get().continuationSequenceNumber(), null);
        hasChildren(last.get().childShards());
    }

    static CompletableFuture<?> putAndSplit() {
        return ASYNC_CLIENT
                .putRecord(r -> r.streamName(STREAM)
                        .partitionKey("p")
                        .explicitHashKey("0")
                        .data(SdkBytes.fromUtf8String("meanwhile")))
                .thenCompose(put -> ASYNC_CLIENT.splitShard(r -> r.streamName(STREAM)
                        .shardToSplit(PARENT)
                        .newStartingHashKey(BigInteger.ONE.shiftLeft(126).toString())));
    }

    static void hasChildren(List<ChildShard> children) {
        Steps.equal(
                children.stream().map(ChildShard::shardId).toList(),
                List.of("shardId-000000000002", "shardId-000000000003"));
        for (ChildShard child : children) {
            Steps.equal(child.parentShards(), List.of(PARENT));
        }
    }

    static void shardEnd() throws Exception {
        active();
        var reply = asynchronouslyDrained(new ArrayList<>());
        Steps.equal(reply.nextShardIterator(), null);
        hasChildren(reply.childShards());
    }

    static void delete() {
        CLIENT.deleteStream(r -> r.streamName(STREAM).enforceConsumerDeletion(true));
        WAITER.waitUntilStreamNotExists(r -> r.streamName(STREAM));
    }
}
