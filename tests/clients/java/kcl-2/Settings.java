import software.amazon.kinesis.leases.LeaseManagementConfig;

/** What only one version of the KCL has settings for; version 2 has none. */
final class Settings {
    static void hurry(LeaseManagementConfig leases) {}
}
