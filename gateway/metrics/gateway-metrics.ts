import { processMetrics } from '@pixelflow/platform/telemetry/process-metrics'

const method = ['grpc_type', 'grpc_service', 'grpc_method'] as const

/** 0.5 ms to 30 s: the durations of calls that are not streams. */
const secondsOfCalls = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/**
 * Every metric of a gateway. Calls have the names and labels of go-grpc-prometheus and no others, so that its dashboards
 * work unchanged.
 */
export const gatewayMetrics = {
  callsStarted: {
    kind: 'counter',
    name: 'grpc_server_started_total',
    help: 'RPCs started over gRPC, gRPC-Web and Connect.',
    labels: method,
  },
  callsHandled: {
    kind: 'counter',
    name: 'grpc_server_handled_total',
    help: 'RPCs completed, by status code.',
    labels: [...method, 'grpc_code'],
  },
  callSeconds: {
    kind: 'histogram',
    name: 'grpc_server_handling_seconds',
    help: 'Duration of RPCs, streams included.',
    labels: method,
    bounds: secondsOfCalls,
  },
  messagesReceived: {
    kind: 'counter',
    name: 'grpc_server_msg_received_total',
    help: 'RPC messages received from clients.',
    labels: method,
  },
  messagesSent: {
    kind: 'counter',
    name: 'grpc_server_msg_sent_total',
    help: 'RPC messages sent to clients.',
    labels: method,
  },
  callsByProtocol: {
    kind: 'counter',
    name: 'pixelflow_rpcs_started_total',
    help: 'RPCs started, by protocol: grpc, grpc_web or connect.',
    labels: ['protocol'],
  },
  requests: {
    kind: 'counter',
    name: 'http_requests_total',
    help: 'HTTP requests, by path template; unknown paths are "other".',
    labels: ['method', 'route', 'status'],
  },
  requestSeconds: {
    kind: 'histogram',
    name: 'http_request_duration_seconds',
    help: 'Time from receiving an HTTP request to starting its response.',
    labels: ['method', 'route'],
    bounds: secondsOfCalls,
  },
  requestsInFlight: {
    kind: 'gauge',
    name: 'http_requests_in_flight',
    help: 'HTTP requests whose response has not started.',
    labels: [],
  },
  streams: {
    kind: 'gauge',
    name: 'pixelflow_open_streams',
    help: 'Open streams, by protocol: sse, websocket, grpc, grpc_web or connect.',
    labels: ['protocol'],
  },
  watchers: {
    kind: 'gauge',
    name: 'pixelflow_watchers',
    help: 'Clients that watch a task, over all protocols.',
    labels: [],
  },
  uploadBytes: {
    kind: 'counter',
    name: 'pixelflow_upload_bytes_total',
    help: 'Image bytes received from clients, refused uploads included.',
    labels: [],
  },
  downloadBytes: {
    kind: 'counter',
    name: 'pixelflow_download_bytes_total',
    help: 'Bytes of images and outputs read for clients.',
    labels: [],
  },
  tasksQueued: {
    kind: 'counter',
    name: 'tasks_queued_total',
    help: 'Tasks created by this gateway, by lane.',
    labels: ['lane'],
  },
  tlsHandshakeFailures: {
    kind: 'counter',
    name: 'pixelflow_tls_handshake_failures_total',
    help: 'TLS handshakes failed, by listener: http or grpc. Only with TLS.',
    labels: ['listener'],
  },
  tlsCertificateExpiration: {
    kind: 'gauge',
    name: 'pixelflow_tls_certificate_expiration_timestamp_seconds',
    help: 'Expiration time of the current TLS certificate, as a Unix timestamp. Only with TLS.',
    labels: [],
  },
  ready: {
    kind: 'gauge',
    name: 'pixelflow_ready',
    help: '1 if this gateway is ready, as /health/ready reports; otherwise 0.',
    labels: [],
  },
  brokerUp: {
    kind: 'gauge',
    name: 'pixelflow_broker_up',
    help: '1 if the broker responds; otherwise 0.',
    labels: [],
  },
  brokerSeconds: {
    kind: 'gauge',
    name: 'pixelflow_broker_round_trip_seconds',
    help: 'Round-trip time to the broker; NaN while it is unavailable.',
    labels: [],
  },
  taskListSequence: {
    kind: 'gauge',
    name: 'pixelflow_task_list_sequence',
    help: 'Sequence of the last event in the task list.',
    labels: [],
  },
  taskListLagEvents: {
    kind: 'gauge',
    name: 'pixelflow_task_list_lag_events',
    help: 'Events of the event log that the task list does not have yet; NaN while the broker is unavailable.',
    labels: [],
  },
  taskListLagSeconds: {
    kind: 'gauge',
    name: 'pixelflow_task_list_lag_seconds',
    help: 'Time from the writing of the last event to its arrival in the task list; NaN before the first event.',
    labels: [],
  },
  backlogJobs: {
    kind: 'gauge',
    name: 'pixelflow_backlog_jobs',
    help: 'Bulk jobs in the backlog, waiting for admission to the queue; NaN while the broker is unavailable.',
    labels: ['kind'],
  },
  backlogOldestJobAge: {
    kind: 'gauge',
    name: 'pixelflow_backlog_oldest_job_age_seconds',
    help: 'Age of the oldest job in the backlog; 0 if it is empty, NaN while the broker is unavailable.',
    labels: ['kind'],
  },
  dispatchers: {
    kind: 'gauge',
    name: 'pixelflow_dispatchers',
    help: 'Actors that dispatch bulk jobs to the queue. Normally 1; 0 or 2 for some seconds during a change of leader.',
    labels: ['kind'],
  },
  deadLetters: {
    kind: 'gauge',
    name: 'pixelflow_dead_letters',
    help: 'Dead letters of all accounts; NaN while the broker is unavailable.',
    labels: [],
  },
  inFlightResponseBytes: {
    kind: 'gauge',
    name: 'pixelflow_in_flight_response_bytes',
    help: 'Bytes of responses that are being sent.',
    labels: [],
  },
  spooledFiles: {
    kind: 'gauge',
    name: 'pixelflow_spooled_files',
    help: 'Files in the disk spool.',
    labels: [],
  },
  ...processMetrics,
} as const
