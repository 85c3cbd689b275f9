/** Attributes of spans: names of OpenTelemetry's semantic conventions where they have one, else with a prefix of our own. */
export const attributeNames = {
  httpMethod: 'http.request.method',
  httpRoute: 'http.route',
  httpStatus: 'http.response.status_code',
  rpcSystem: 'rpc.system',
  rpcService: 'rpc.service',
  rpcMethod: 'rpc.method',
  rpcStatus: 'rpc.grpc.status_code',
  requestId: 'pixelflow.request.id',
  task: 'pixelflow.task.id',
  attempt: 'pixelflow.task.attempt',
  /** Kinds of task events, in order. */
  events: 'pixelflow.events',
  workerPid: 'pixelflow.worker.pid',
  workerCpuMs: 'pixelflow.worker.cpu_ms',
} as const
