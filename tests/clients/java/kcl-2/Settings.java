import software.amazon.kinesis.leases.LeaseManagementConfig;

/** What only one version of the KCL has settings for. */
final class Settings {
    static void hurry(LeaseManagementConfig leases) {
        leases.shardSyncIntervalMillis(2_000);
    }
}
