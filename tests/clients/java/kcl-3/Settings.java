import software.amazon.kinesis.leases.LeaseManagementConfig;

/** What only one version of the KCL has settings for. */
final class Settings {
    static void hurry(LeaseManagementConfig leases) {
        leases.leaseAssignmentIntervalMillis(1_000L);
        leases.dynamoDbLockBasedLeaderHeartbeatPeriodInMillis(1_000L);
        leases.dynamoDbLockBasedLeaderLeaseDurationInMillis(5_000L);
        leases.leasesRecoveryAuditorExecutionFrequencyMillis(2_000);
        leases.workerUtilizationAwareAssignmentConfig().workerMetricsReporterFreqInMillis(1_000);
        leases.workerUtilizationAwareAssignmentConfig().disableWorkerMetrics(true);
    }
}
