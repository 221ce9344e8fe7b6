"""The names of the properties of host.json, by section.

Sources: ``src/schemas/json/host.json`` in SchemaStore/schemastore, the options of
Azure/azure-functions-host (``src/WebJobs.Script/Config``) and of the Durable extension
(``src/WebJobs.Extensions.DurableTask/Options``), ``SqlDurabilityOptions.cs`` in
microsoft/durabletask-mssql and ``NetheriteOrchestrationServiceSettings.cs`` in
microsoft/durabletask-netherite.
"""

from __future__ import annotations

_RETRY_OPTIONS = "mode tryTimeout delay maxDelay maxRetries"
_WEBHOOK = "webhookAuthorizationLevel"
SECTIONS = {
    "": """
        $schema aggregator concurrency configurationProfile customHandler extensionBundle extensions
        fileWatchingEnabled functionTimeout functions healthMonitor httpWorker isDefaultHostConfig
        languageWorker languageWorkers logging managedDependency metadataProviderTimeout retry
        sendCanceledInvocationsToWorker sequentialRestart singleton telemetryMode version
        watchDirectories watchFiles
        applicationInsights documentDB durableTask eventHub http id logger queues serviceBus tracing
    """,
    "aggregator": "batchSize flushTimeout isEnabled",
    "concurrency": """
        dynamicConcurrencyEnabled snapshotPersistenceEnabled maximumFunctionConcurrency
        totalAvailableMemoryBytes cpuThreshold memoryThreshold
    """,
    "customHandler": """
        description enableForwardingHttpRequest enableProxyingHttpRequest http port type arguments
        initializationTimeout
    """,
    "customHandler.http": "defaultAuthorizationLevel routes",
    "healthMonitor": """
        enabled healthCheckInterval healthCheckWindow healthCheckThreshold counterThreshold
    """,
    "languageWorker": "workersDirectory",
    "retry": "strategy maxRetryCount delayInterval minimumInterval maximumInterval",
    "singleton": """
        lockPeriod listenerLockPeriod listenerLockRecoveryPollingInterval lockAcquisitionTimeout
        lockAcquisitionPollingInterval
    """,
    "logging": "applicationInsights console fileLoggingMode logLevel",
    "logging.console": "isEnabled logLevel",
    "logging.applicationInsights": """
        samplingSettings samplingExcludedTypes samplingIncludedTypes enableLiveMetrics
        enableLiveMetricsFilters enableDependencyTracking enablePerformanceCountersCollection
        enableMetricsCustomDimensionOptimization enableAutocollectedMetricsExtractor
        httpAutoCollectionOptions liveMetricsInitializationDelay snapshotConfiguration logLevel
        dependencyTrackingOptions
    """,
    "logging.applicationInsights.samplingSettings": """
        isEnabled maxTelemetryItemsPerSecond evaluationInterval initialSamplingPercentage
        samplingPercentageIncreaseTimeout samplingPercentageDecreaseTimeout minSamplingPercentage
        maxSamplingPercentage movingAverageRatio excludedTypes includedTypes
    """,
    "logging.applicationInsights.httpAutoCollectionOptions": """
        enableHttpTriggerExtendedInfoCollection enableW3CDistributedTracing
        enableResponseHeaderInjection
    """,
    "logging.applicationInsights.snapshotConfiguration": """
        agentEndpoint captureSnapshotMemoryWeight failedRequestLimit handleUntrackedExceptions
        isEnabled isEnabledInDeveloperMode isEnabledWhenProfiling isExceptionSnappointsEnabled
        isLowPrioritySnapshotUploader maximumCollectionPlanSize maximumSnapshotsRequired
        problemCounterResetInterval provideAnonymousTelemetry reconnectInterval shadowCopyFolder
        shareUploaderProcess snapshotInLowPriorityThread snapshotsPerDayLimit
        snapshotsPerTenMinutesLimit tempFolder thresholdForSnapshotting uploaderProxy
    """,
    "extensions": """
        blobs connector cosmosDB dapr durableTask eventGrid eventHubs http kafka mcp queues rabbitMQ
        redis sendGrid serviceBus signalR sql tables twilioSms warmup webPubSub
    """,
    "extensions.http": """
        routePrefix maxConcurrentRequests maxOutstandingRequests dynamicThrottlesEnabled hsts
        customHeaders enableChunkedRequestBinding
    """,
    "extensions.http.hsts": "isEnabled excludedHosts includeSubDomains maxAge preload",
    "extensions.blobs": "maxDegreeOfParallelism poisonBlobThreshold",
    "extensions.connector": "system",
    "extensions.connector.system": _WEBHOOK,
    "extensions.cosmosDB": "connectionMode protocol leaseOptions userAgentSuffix",
    "extensions.cosmosDB.leaseOptions": "leasePrefix",
    "extensions.eventHubs": """
        targetUnprocessedEventThreshold maxEventBatchSize minEventBatchSize maxWaitTime
        batchCheckpointFrequency prefetchCount transportType webProxy customEndpointAddress
        initialOffsetOptions clientRetryOptions eventProcessorOptions maxBatchSize
    """,
    "extensions.eventHubs.clientRetryOptions": _RETRY_OPTIONS,
    "extensions.eventHubs.eventProcessorOptions": "maxBatchSize prefetchCount",
    "extensions.eventHubs.initialOffsetOptions": "type enqueuedTimeUtc",
    "extensions.mcp": """
        instructions serverName serverVersion encryptClientState messageOptions system
    """,
    "extensions.mcp.messageOptions": "useAbsoluteUriForEndpoint",
    "extensions.mcp.system": _WEBHOOK,
    "extensions.queues": """
        maxPollingInterval visibilityTimeout batchSize maxDequeueCount newBatchThreshold
        messageEncoding
    """,
    "extensions.sendGrid": "from",
    "extensions.serviceBus": """
        clientRetryOptions prefetchCount transportType webProxy autoCompleteMessages
        maxAutoLockRenewalDuration maxConcurrentCalls maxConcurrentSessions maxMessageBatchSize
        minMessageBatchSize maxBatchWaitTime sessionIdleTimeout enableCrossEntityTransactions
        messageHandlerOptions sessionHandlerOptions batchOptions
    """,
    "extensions.serviceBus.clientRetryOptions": _RETRY_OPTIONS,
    "extensions.serviceBus.messageHandlerOptions": """
        maxConcurrentCalls maxAutoRenewDuration autoComplete
    """,
    "extensions.serviceBus.sessionHandlerOptions": """
        maxAutoRenewDuration autoComplete maxConcurrentSessions messageWaitTimeout
    """,
    "extensions.serviceBus.batchOptions": "maxMessageCount operationTimeout autoComplete",
    "extensions.durableTask": """
        hubName defaultVersion versionMatchStrategy versionFailureStrategy storageProvider tracing
        notifications httpSettings maxConcurrentActivityFunctions maxConcurrentOrchestratorFunctions
        maxConcurrentEntityFunctions localRpcEndpointEnabled maxEntityOperationBatchSize
        extendedSessionsEnabled extendedSessionIdleTimeoutInSeconds maxOrchestrationActions
        overridableExistingInstanceStates entityMessageReorderWindowInMinutes useGracefulShutdown
        rollbackEntityOperationsOnExceptions throwStatusExceptionsOnRaiseEvent useAppLease
        storeInputsInOrchestrationHistory appLeaseOptions maxGrpcMessageSizeInBytes
        grpcHttpClientTimeout
    """,
    "extensions.durableTask.appLeaseOptions": "acquireInterval leaseInterval renewInterval",
    "extensions.durableTask.httpSettings": """
        defaultAsyncRequestSleepTimeMilliseconds useForwardedHost
    """,
    "extensions.durableTask.tracing": """
        traceInputsAndOutputs traceReplayEvents allowVerboseLinuxTelemetry distributedTracingEnabled
        distributedTracingProtocol version
    """,
    "extensions.durableTask.notifications": "eventGrid",
    "extensions.durableTask.notifications.eventGrid": """
        topicEndpoint keySettingName publishRetryCount publishRetryInterval publishRetryHttpStatus
        publishEventTypes
    """,
    "extensions.durableTask.storageProvider": """
        type connectionName connectionStringName partitionCount
        controlQueueBatchSize controlQueueBufferThreshold controlQueueVisibilityTimeout
        workItemQueueVisibilityTimeout maxQueuePollingInterval trackingStoreConnectionName
        trackingStoreConnectionStringName trackingStoreNamePrefix fetchLargeMessagesAutomatically
        useLegacyPartitionManagement useTablePartitionManagement allowReplayingTerminalInstances
        queueClientMessageEncoding
        taskHubName taskEventLockTimeout taskEventBatchSize createDatabaseIfNotExists schemaName
        storageConnectionName eventHubsConnectionName loadInformationAzureTableName
        partitionManagement partitionManagementParameters taskhubParametersFilePath
        activityScheduler cacheOrchestrationCursors instanceCacheSizeMB
        takeStateCheckpointWhenStoppingPartition maxNumberBytesBetweenCheckpoints
        maxNumberEventsBetweenCheckpoints idleCheckpointFrequencyMs
        useLocalDirectoryForPartitionStorage persistStepsFirst
        persistDequeueCountBeforeStartingWorkItem packPartitionTaskMessages
        partitionStartupTimeoutMinutes disablePrefetchDuringReplay transportLogLevelLimit
        storageLogLevelLimit eventLogLevelLimit workItemLogLevelLimit clientLogLevelLimit
        loadMonitorLogLevelLimit logLevelLimit pageBlobStorageConnectionName
        fasterTuningParameters useSeparateQueueForEntityWorkItems
    """,
}
"""The names by the path of their section. The last names of ``""`` belong to version 1."""

PROPERTIES = {path.lower(): tuple(names.split()) for path, names in SECTIONS.items()}
"""The names of the properties by the path of their section, which is in lower case.

The sections that are not in the table, such as ``logging.logLevel``, have free names, or the
embedded host does not know their names.
"""
