/** A load test: what its users do, and how fast a small machine must answer them. */
export interface LoadScenario {
  /** One sentence for help and reports. */
  readonly summary: string
  /** Number of concurrent users: in the profile smoke, and at level 1 of every other profile. */
  readonly users: { readonly smoke: number; readonly normal: number }
  /** Limits of the 95th percentile of a metric in milliseconds, at level 1 on two cores. */
  readonly limitsMs: Readonly<Record<string, number>>
  /** Calls the gRPC port. */
  readonly isGrpc?: true
}

/** Every load test. All but `followers` are scripts in `k6/scripts/`; k6 has no server-sent events. */
export const scenarios = {
  tasks: {
    summary: 'Upload an image, create a task, follow its events, download the result; over HTTP.',
    users: { smoke: 3, normal: 10 },
    limitsMs: { upload_duration: 400, task_duration: 1000, download_duration: 200, total_duration: 1500 },
  },
  process: {
    summary: 'Send an image and receive the result in one synchronous HTTP call.',
    users: { smoke: 3, normal: 10 },
    limitsMs: { process_duration: 800 },
  },
  'grpc-upload': {
    summary: 'Upload an image over gRPC as a stream of chunks.',
    users: { smoke: 3, normal: 10 },
    limitsMs: { upload_duration: 400 },
    isGrpc: true,
  },
  'grpc-process': {
    summary: 'Process a stored image over gRPC and receive its events and the result in one stream.',
    users: { smoke: 3, normal: 10 },
    limitsMs: { task_duration: 1000 },
    isGrpc: true,
  },
  reads: {
    summary: 'List and get tasks while other users create and delete tasks.',
    users: { smoke: 4, normal: 20 },
    limitsMs: { list_duration: 300, get_duration: 200, create_duration: 400 },
  },
  followers: {
    summary: 'Follow tasks over server-sent events, with many connections at the same time.',
    users: { smoke: 50, normal: 2000 },
    limitsMs: { delivery_duration: 500, connect_duration: 2000 },
  },
} as const satisfies Readonly<Record<string, LoadScenario>>

export type ScenarioName = keyof typeof scenarios

export const scenarioNames = Object.keys(scenarios) as ScenarioName[]
