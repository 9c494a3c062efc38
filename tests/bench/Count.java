import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.state.KeyValueStore;

/** The peer on the JVM: amounts by cell in Kafka Streams, default store and cache; prints its seconds and ends. */
public final class Count {
  private static final int HEADER = 5;
  private static final String WANTED =
      "{\"type\":\"record\",\"name\":\"Delta\",\"namespace\":\"amana\",\"fields\":"
          + "[{\"name\":\"amount\",\"type\":\"long\"}]}";

  private final GenericDatumReader<GenericRecord> reader;
  private final long number;
  private BinaryDecoder decoder;
  private GenericRecord record;
  private long begun;
  private long seen;

  private Count(Schema written, long number) {
    this.reader = new GenericDatumReader<>(written, new Schema.Parser().parse(WANTED));
    this.number = number;
  }

  private long amount(byte[] value) {
    if (begun == 0) {
      begun = System.nanoTime();
    }
    try {
      decoder = DecoderFactory.get().binaryDecoder(value, HEADER, value.length - HEADER, decoder);
      record = reader.read(record, decoder);
      return (Long) record.get(0);
    } catch (java.io.IOException error) {
      throw new java.io.UncheckedIOException(error);
    }
  }

  private long add(long amount, long total) {
    seen++;
    if (seen == number) {
      System.out.println("{\"seconds\": " + (System.nanoTime() - begun) / 1e9 + "}");
      System.out.flush();
      Runtime.getRuntime().halt(0);
    }
    return total + amount;
  }

  /** Arguments: a file of client settings, the schema's file, how many deltas. */
  public static void main(String[] arguments) throws Exception {
    Properties settings = new Properties();
    try (var file = Files.newBufferedReader(Path.of(arguments[0]))) {
      settings.load(file);
    }
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
    settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    Schema written = new Schema.Parser().parse(Files.readString(Path.of(arguments[1])));
    Count count = new Count(written, Long.parseLong(arguments[2]));
    StreamsBuilder builder = new StreamsBuilder();
    builder.stream("bench-deltas", Consumed.with(Serdes.Bytes(), Serdes.ByteArray()))
        .mapValues(count::amount)
        .groupByKey(Grouped.with(Serdes.Bytes(), Serdes.Long()))
        .aggregate(
            () -> 0L,
            (cell, amount, total) -> count.add(amount, total),
            Materialized.<Bytes, Long, KeyValueStore<Bytes, byte[]>>as("cells")
                .withKeySerde(Serdes.Bytes())
                .withValueSerde(Serdes.Long()));
    new KafkaStreams(builder.build(), settings).start();
    Thread.currentThread().join();
  }
}
