import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatch.CloudWatchAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.kinesis.common.ConfigsBuilder;
import software.amazon.kinesis.common.InitialPositionInStream;
import software.amazon.kinesis.common.InitialPositionInStreamExtended;
import software.amazon.kinesis.common.KinesisClientUtil;
import software.amazon.kinesis.common.StreamIdentifier;
import software.amazon.kinesis.coordinator.Scheduler;
import software.amazon.kinesis.exceptions.KinesisClientLibException;
import software.amazon.kinesis.lifecycle.events.InitializationInput;
import software.amazon.kinesis.lifecycle.events.LeaseLostInput;
import software.amazon.kinesis.lifecycle.events.ProcessRecordsInput;
import software.amazon.kinesis.lifecycle.events.ShardEndedInput;
import software.amazon.kinesis.lifecycle.events.ShutdownRequestedInput;
import software.amazon.kinesis.metrics.MetricsLevel;
import software.amazon.kinesis.processor.RecordProcessorCheckpointer;
import software.amazon.kinesis.processor.ShardRecordProcessor;
import software.amazon.kinesis.processor.SingleStreamTracker;

/** Says after each batch of trades how often each stock was bought and sold, the most popular first: `TradeReader STREAM`. */
final class TradeReader {
    static final Pattern TRADE = Pattern.compile("\\{\"stock\":\"(\\w+)\",\"kind\":\"(BUY|SELL)\",.*\\}");
    static final Map<String, Integer> BOUGHT = new ConcurrentHashMap<>();
    static final Map<String, Integer> SOLD = new ConcurrentHashMap<>();

    public static void main(String[] arguments) {
        var credentials = StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test"));
        var kinesis = KinesisClientUtil.createKinesisAsyncClient(KinesisAsyncClient.builder()
                .endpointOverride(URI.create(System.getenv("KINESIS_ENDPOINT")))
                .region(Region.US_EAST_1)
                .credentialsProvider(credentials));
        var leases = DynamoDbAsyncClient.builder()
                .endpointOverride(URI.create(System.getenv("DYNAMODB_ENDPOINT")))
                .region(Region.US_EAST_1)
                .credentialsProvider(credentials)
                .build();
        // Never called: the metrics' level is NONE.
        var metrics = CloudWatchAsyncClient.builder()
                .region(Region.US_EAST_1)
                .credentialsProvider(credentials)
                .build();
        var stream = new SingleStreamTracker(
                StreamIdentifier.singleStreamInstance(arguments[0]),
                InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.TRIM_HORIZON));
        var configs = new ConfigsBuilder(stream, "trades", kinesis, leases, metrics, "reader", Trades::new);
        new Scheduler(
                        configs.checkpointConfig(),
                        configs.coordinatorConfig(),
                        configs.leaseManagementConfig().shardSyncIntervalMillis(1_000),
                        configs.lifecycleConfig(),
                        configs.metricsConfig().metricsLevel(MetricsLevel.NONE),
                        configs.processorConfig(),
                        configs.retrievalConfig())
                .run();
    }

    /** Prints `popular STOCK BOUGHT SOLD`, a line for each stock, and an empty one. */
    static synchronized void report() {
        BOUGHT.entrySet().stream()
                .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
                .forEach(stock -> System.out.println(
                        "popular " + stock.getKey() + " " + stock.getValue() + " " + SOLD.getOrDefault(stock.getKey(), 0)));
        System.out.println();
    }

    /** The trades of one shard. */
    static final class Trades implements ShardRecordProcessor {
        @Override
        public void initialize(InitializationInput input) {}

        @Override
        public void processRecords(ProcessRecordsInput input) {
            for (var record : input.records()) {
                var trade = TRADE.matcher(StandardCharsets.UTF_8.decode(record.data()));
                if (trade.matches()) {
                    (trade.group(2).equals("BUY") ? BOUGHT : SOLD).merge(trade.group(1), 1, Integer::sum);
                }
            }
            if (!input.records().isEmpty()) {
                report();
                checkpoint(input.checkpointer());
            }
        }

        @Override
        public void leaseLost(LeaseLostInput input) {}

        @Override
        public void shardEnded(ShardEndedInput input) {
            checkpoint(input.checkpointer());
        }

        @Override
        public void shutdownRequested(ShutdownRequestedInput input) {
            checkpoint(input.checkpointer());
        }

        private static void checkpoint(RecordProcessorCheckpointer checkpointer) {
            try {
                checkpointer.checkpoint();
            } catch (KinesisClientLibException error) {
                error.printStackTrace();
            }
        }
    }
}
