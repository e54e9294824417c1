/** What a worker tells on its standard output, a line each, for `consumers.py` to judge. */
final class Told {
    static void started(String shard) {
        tell("start " + shard);
    }

    /** A record's text has no space in it. */
    static void record(String shard, String sequenceNumber, String text) {
        tell("record " + shard + " " + sequenceNumber + " " + text);
    }

    static void ended(String shard) {
        tell("end " + shard);
    }

    private static void tell(String line) {
        synchronized (System.out) {
            System.out.println(line);
            System.out.flush();
        }
    }
}
