import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
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
import software.amazon.kinesis.retrieval.KinesisClientRecord;
import software.amazon.kinesis.retrieval.fanout.FanOutConfig;
import software.amazon.kinesis.retrieval.polling.PollingConfig;

/** One worker of the KCL, versions 2 and 3, which tells what it hears and checkpoints after each batch. */
final class Worker {
    static final String STREAM = System.getenv("STREAM");
    static final String APPLICATION = System.getenv("APPLICATION");

    // readme:begin
    static final StaticCredentialsProvider CREDENTIALS =
            StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test"));
    static final URI KINESIS = URI.create(System.getenv("KINESIS_ENDPOINT")); // "http://127.0.0.1:4566"
    static final URI DYNAMODB = URI.create(System.getenv("DYNAMODB_ENDPOINT")); // moto, or DynamoDB Local

    static ConfigsBuilder configs(String worker) {
        var kinesis = KinesisClientUtil.createKinesisAsyncClient(KinesisAsyncClient.builder()
                .endpointOverride(KINESIS)
                .region(Region.US_EAST_1)
                .credentialsProvider(CREDENTIALS));
        var leases = DynamoDbAsyncClient.builder()
                .endpointOverride(DYNAMODB)
                .region(Region.US_EAST_1)
                .credentialsProvider(CREDENTIALS)
                .build();
        // Never called: the metrics' level is NONE.
        var metrics = CloudWatchAsyncClient.builder()
                .region(Region.US_EAST_1)
                .credentialsProvider(CREDENTIALS)
                .build();
        return new ConfigsBuilder(stream(), APPLICATION, kinesis, leases, metrics, worker, Processor::new);
    }
    // readme:end

    static SingleStreamTracker stream() {
        return new SingleStreamTracker(
                StreamIdentifier.singleStreamInstance(STREAM),
                InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.TRIM_HORIZON));
    }

    public static void main(String[] arguments) {
        var configs = configs(System.getenv("WORKER"));
        var coordinator = configs.coordinatorConfig();
        coordinator.parentShardPollIntervalMillis(500);
        coordinator.shardConsumerDispatchPollIntervalMillis(200);
        var leases = configs.leaseManagementConfig();
        leases.failoverTimeMillis(3_000);
        leases.shardSyncIntervalMillis(1_000);
        Settings.hurry(leases);
        var retrieval = configs.retrievalConfig();
        if (System.getenv("RETRIEVAL").equals("POLLING")) {
            retrieval.retrievalSpecificConfig(
                    new PollingConfig(STREAM, retrieval.kinesisClient()).idleTimeBetweenReadsInMillis(250));
        } else {
            retrieval.retrievalSpecificConfig(new FanOutConfig(retrieval.kinesisClient())
                    .streamName(STREAM)
                    .applicationName(APPLICATION));
        }
        var scheduler = new Scheduler(
                configs.checkpointConfig(),
                coordinator,
                leases,
                configs.lifecycleConfig(),
                configs.metricsConfig().metricsLevel(MetricsLevel.NONE),
                configs.processorConfig(),
                retrieval);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(scheduler)));
        scheduler.run();
    }

    static void stop(Scheduler scheduler) {
        try {
            scheduler.startGracefulShutdown().get(30, TimeUnit.SECONDS);
        } catch (Exception error) {
            error.printStackTrace();
        }
    }

    /** Tells of one shard. */
    static final class Processor implements ShardRecordProcessor {
        private String shard;

        @Override
        public void initialize(InitializationInput input) {
            shard = input.shardId();
            Told.started(shard);
        }

        @Override
        public void processRecords(ProcessRecordsInput input) {
            for (KinesisClientRecord record : input.records()) {
                var text = StandardCharsets.UTF_8.decode(record.data()).toString();
                Told.record(shard, record.sequenceNumber(), text);
            }
            if (!input.records().isEmpty()) {
                checkpoint(input.checkpointer());
            }
        }

        @Override
        public void leaseLost(LeaseLostInput input) {}

        @Override
        public void shardEnded(ShardEndedInput input) {
            Told.ended(shard);
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
                // Whoever has the lease next goes on from the checkpoint before.
                error.printStackTrace();
            }
        }
    }
}
