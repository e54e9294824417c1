import com.amazonaws.auth.AWSStaticCredentialsProvider;
import com.amazonaws.auth.BasicAWSCredentials;
import com.amazonaws.services.kinesis.clientlibrary.exceptions.KinesisClientLibException;
import com.amazonaws.services.kinesis.clientlibrary.interfaces.IRecordProcessorCheckpointer;
import com.amazonaws.services.kinesis.clientlibrary.interfaces.v2.IRecordProcessor;
import com.amazonaws.services.kinesis.clientlibrary.interfaces.v2.IRecordProcessorFactory;
import com.amazonaws.services.kinesis.clientlibrary.interfaces.v2.IShutdownNotificationAware;
import com.amazonaws.services.kinesis.clientlibrary.lib.worker.InitialPositionInStream;
import com.amazonaws.services.kinesis.clientlibrary.lib.worker.KinesisClientLibConfiguration;
import com.amazonaws.services.kinesis.clientlibrary.lib.worker.ShutdownReason;
import com.amazonaws.services.kinesis.clientlibrary.lib.worker.Worker;
import com.amazonaws.services.kinesis.clientlibrary.types.InitializationInput;
import com.amazonaws.services.kinesis.clientlibrary.types.ProcessRecordsInput;
import com.amazonaws.services.kinesis.clientlibrary.types.ShutdownInput;
import com.amazonaws.services.kinesis.model.Record;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/** One worker of the KCL 1.x, which tells what it hears and checkpoints after each batch. */
final class Worker1 {
    public static void main(String[] arguments) {
        // readme:begin
        var configuration = new KinesisClientLibConfiguration(
                        System.getenv("APPLICATION"),
                        System.getenv("STREAM"),
                        new AWSStaticCredentialsProvider(new BasicAWSCredentials("test", "test")),
                        System.getenv("WORKER"))
                .withRegionName("us-east-1")
                .withKinesisEndpoint(System.getenv("KINESIS_ENDPOINT")) // "http://127.0.0.1:4566"
                .withDynamoDBEndpoint(System.getenv("DYNAMODB_ENDPOINT")) // dynalite, or DynamoDB Local
                .withMetricsLevel("NONE");
        // readme:end
        configuration
                .withInitialPositionInStream(InitialPositionInStream.TRIM_HORIZON)
                .withIdleTimeBetweenReadsInMillis(250)
                .withParentShardPollIntervalMillis(500)
                .withShardSyncIntervalMillis(2_000)
                .withFailoverTimeMillis(3_000);
        var worker = new Worker.Builder()
                .config(configuration)
                .recordProcessorFactory((IRecordProcessorFactory) Processor::new)
                .build();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(worker)));
        worker.run();
    }

    static void stop(Worker worker) {
        try {
            worker.startGracefulShutdown().get(30, TimeUnit.SECONDS);
        } catch (Exception error) {
            error.printStackTrace();
        }
    }

    /** Tells of one shard. */
    static final class Processor implements IRecordProcessor, IShutdownNotificationAware {
        private String shard;

        @Override
        public void initialize(InitializationInput input) {
            shard = input.getShardId();
            Told.started(shard);
        }

        @Override
        public void processRecords(ProcessRecordsInput input) {
            for (Record record : input.getRecords()) {
                var text = StandardCharsets.UTF_8.decode(record.getData()).toString();
                Told.record(shard, record.getSequenceNumber(), text);
            }
            if (!input.getRecords().isEmpty()) {
                checkpoint(input.getCheckpointer());
            }
        }

        @Override
        public void shutdown(ShutdownInput input) {
            if (input.getShutdownReason() == ShutdownReason.TERMINATE) {
                Told.ended(shard);
                checkpoint(input.getCheckpointer());
            }
        }

        @Override
        public void shutdownRequested(IRecordProcessorCheckpointer checkpointer) {
            checkpoint(checkpointer);
        }

        private static void checkpoint(IRecordProcessorCheckpointer checkpointer) {
            try {
                checkpointer.checkpoint();
            } catch (KinesisClientLibException error) {
                // Whoever has the lease next goes on from the checkpoint before.
                error.printStackTrace();
            }
        }
    }
}
