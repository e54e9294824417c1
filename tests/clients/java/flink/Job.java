import java.nio.charset.StandardCharsets;
import java.util.Properties;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kinesis.sink.KinesisStreamsSink;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.connectors.kinesis.FlinkKinesisConsumer;
import org.apache.flink.streaming.connectors.kinesis.config.AWSConfigConstants;
import org.apache.flink.streaming.connectors.kinesis.config.ConsumerConfigConstants;
import org.apache.flink.streaming.connectors.kinesis.serialization.KinesisDeserializationSchema;

/** A small job of Flink's, in this process, from one stream to another, which tells what it hears: see workers.py. */
final class Job {
    public static void main(String[] arguments) throws Exception {
        var settings = new Properties();
        // readme:begin
        settings.setProperty(AWSConfigConstants.AWS_ENDPOINT, System.getenv("KINESIS_ENDPOINT")); // "http://127.0.0.1:4566"
        settings.setProperty(AWSConfigConstants.AWS_REGION, "us-east-1");
        settings.setProperty(AWSConfigConstants.AWS_ACCESS_KEY_ID, "test");
        settings.setProperty(AWSConfigConstants.AWS_SECRET_ACCESS_KEY, "test");
        // readme:end
        var environment = StreamExecutionEnvironment.createLocalEnvironment(2);
        environment.enableCheckpointing(1_000);
        environment.addSource(source(settings)).sinkTo(sink(settings));
        environment.execute();
    }

    static FlinkKinesisConsumer<String> source(Properties settings) {
        var reading = new Properties();
        reading.putAll(settings);
        reading.setProperty(ConsumerConfigConstants.STREAM_INITIAL_POSITION, "TRIM_HORIZON");
        reading.setProperty(ConsumerConfigConstants.SHARD_GETRECORDS_INTERVAL_MILLIS, "250");
        reading.setProperty(ConsumerConfigConstants.SHARD_DISCOVERY_INTERVAL_MILLIS, "1000");
        if (System.getenv("RETRIEVAL").equals("FANOUT")) {
            reading.setProperty(ConsumerConfigConstants.RECORD_PUBLISHER_TYPE, "EFO");
            reading.setProperty(ConsumerConfigConstants.EFO_CONSUMER_NAME, System.getenv("APPLICATION"));
        }
        return new FlinkKinesisConsumer<>(System.getenv("STREAM"), new Schema(), reading);
    }

    static KinesisStreamsSink<String> sink(Properties settings) {
        return KinesisStreamsSink.<String>builder()
                .setKinesisClientProperties(settings)
                .setStreamName(System.getenv("SINK"))
                .setSerializationSchema(new SimpleStringSchema())
                .setPartitionKeyGenerator(text -> text)
                .setFailOnError(true)
                .build();
    }

    /** Tells of each record. */
    static final class Schema implements KinesisDeserializationSchema<String> {
        @Override
        public String deserialize(byte[] data, String key, String number, long arrived, String stream, String shard) {
            var text = new String(data, StandardCharsets.UTF_8);
            Told.record(shard, number, text);
            return text;
        }

        @Override
        public TypeInformation<String> getProducedType() {
            return TypeInformation.of(String.class);
        }
    }
}
