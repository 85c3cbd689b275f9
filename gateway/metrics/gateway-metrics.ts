import { processMetrics } from '@pixelflow/platform/telemetry/process-metrics'

const method = ['grpc_type', 'grpc_service', 'grpc_method'] as const

/** From half a millisecond to half a minute: what a call takes that is not a stream. */
const secondsOfCalls = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/**
 * Every metric of a gateway. The names and labels of calls are those of go-grpc-prometheus, so that dashboards made for
 * it work here; nothing is added to them.
 */
export const gatewayMetrics = {
  callsStarted: {
    kind: 'counter',
    name: 'grpc_server_started_total',
    help: 'Calls that have begun, by gRPC, gRPC-Web or Connect.',
    labels: method,
  },
  callsHandled: {
    kind: 'counter',
    name: 'grpc_server_handled_total',
    help: 'Calls that have ended, by the code they ended with.',
    labels: [...method, 'grpc_code'],
  },
  callSeconds: {
    kind: 'histogram',
    name: 'grpc_server_handling_seconds',
    help: 'Time from the beginning of a call to its end; a stream may be long.',
    labels: method,
    bounds: secondsOfCalls,
  },
  messagesReceived: {
    kind: 'counter',
    name: 'grpc_server_msg_received_total',
    help: 'Messages that have come from clients.',
    labels: method,
  },
  messagesSent: {
    kind: 'counter',
    name: 'grpc_server_msg_sent_total',
    help: 'Messages that were sent to clients.',
    labels: method,
  },
  callsByProtocol: {
    kind: 'counter',
    name: 'pixelflow_calls_total',
    help: 'Calls that have begun, by the protocol they came by: grpc, grpc_web or connect.',
    labels: ['protocol'],
  },
  requests: {
    kind: 'counter',
    name: 'http_requests_total',
    help: 'Requests that were answered on the HTTP port, by template of their path; unknown paths are "other".',
    labels: ['method', 'route', 'status'],
  },
  requestSeconds: {
    kind: 'histogram',
    name: 'http_request_duration_seconds',
    help: 'Time from a request to the beginning of its answer; the body of a stream is not in it.',
    labels: ['method', 'route'],
    bounds: secondsOfCalls,
  },
  requestsInFlight: {
    kind: 'gauge',
    name: 'http_requests_in_flight',
    help: 'Requests whose answer has not begun yet.',
    labels: [],
  },
  streams: {
    kind: 'gauge',
    name: 'pixelflow_open_streams',
    help: 'Open streams: sse, websocket, and streaming calls by their protocol.',
    labels: ['transport'],
  },
  watchers: {
    kind: 'gauge',
    name: 'pixelflow_watchers',
    help: 'Clients that are watching a task, by whichever transport.',
    labels: [],
  },
  uploadBytes: {
    kind: 'counter',
    name: 'pixelflow_upload_bytes_total',
    help: 'Bytes of images that clients have sent, accepted or not.',
    labels: [],
  },
  downloadBytes: {
    kind: 'counter',
    name: 'pixelflow_download_bytes_total',
    help: 'Bytes of images and outputs that were read for clients.',
    labels: [],
  },
  tasksQueued: {
    kind: 'counter',
    name: 'tasks_queued_total',
    help: 'Tasks that this gateway has accepted, by the lane that they wait in.',
    labels: ['lane'],
  },
  tlsRefused: {
    kind: 'counter',
    name: 'pixelflow_tls_refused_total',
    help: 'Connections that were refused in their TLS handshake, by the port: http or grpc; only where TLS is on.',
    labels: ['port'],
  },
  tlsEnds: {
    kind: 'gauge',
    name: 'pixelflow_tls_certificate_end_time_seconds',
    help: 'When the TLS certificate in use ends, in seconds since 1970; only where TLS is on.',
    labels: [],
  },
  ready: {
    kind: 'gauge',
    name: 'pixelflow_ready',
    help: '1 when this gateway can serve, as /health/ready says.',
    labels: [],
  },
  brokerUp: {
    kind: 'gauge',
    name: 'pixelflow_broker_up',
    help: '1 when the store of the broker answers.',
    labels: [],
  },
  brokerSeconds: {
    kind: 'gauge',
    name: 'pixelflow_broker_round_trip_seconds',
    help: 'Time of one question to the store of the broker; NaN while it is away.',
    labels: [],
  },
  followerPosition: {
    kind: 'gauge',
    name: 'pixelflow_follower_position',
    help: 'Sequence of the last event that the task list has taken in.',
    labels: [],
  },
  followerBehind: {
    kind: 'gauge',
    name: 'pixelflow_follower_behind_events',
    help: 'Events that the task list lacks; NaN while the broker is away.',
    labels: [],
  },
  followerLag: {
    kind: 'gauge',
    name: 'pixelflow_follower_lag_seconds',
    help: 'How long after it was written the task list took in its last event; NaN before the first.',
    labels: [],
  },
  backlogJobs: {
    kind: 'gauge',
    name: 'pixelflow_backlog_jobs',
    help: 'Bulk jobs that wait to be let into the queue; NaN while the broker is away.',
    labels: ['kind'],
  },
  backlogSeconds: {
    kind: 'gauge',
    name: 'pixelflow_backlog_oldest_seconds',
    help: 'How long the oldest of them has waited; 0 when none waits.',
    labels: ['kind'],
  },
  dispatchers: {
    kind: 'gauge',
    name: 'pixelflow_dispatchers',
    help: 'Actors that say they let bulk jobs into the queue: one, and for some seconds none or two when it changes.',
    labels: ['kind'],
  },
  deadLetters: {
    kind: 'gauge',
    name: 'pixelflow_dead_letters',
    help: 'Dead letters that operators have not dropped, of all accounts; NaN while the broker is away.',
    labels: [],
  },
  leavingBytes: {
    kind: 'gauge',
    name: 'pixelflow_leaving_bytes',
    help: 'Bytes of the downloads under way.',
    labels: [],
  },
  spooledFiles: {
    kind: 'gauge',
    name: 'pixelflow_spooled_files',
    help: 'Downloads that wait in a file or are sent from one.',
    labels: [],
  },
  ...processMetrics,
} as const
