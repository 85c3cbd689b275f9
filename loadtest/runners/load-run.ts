import type { ProfileName } from '../profiles.ts'
import type { ScenarioName } from '../scenarios.ts'

/** What to run, and against which server. */
export interface LoadRun {
  readonly scenario: ScenarioName
  readonly profile: ProfileName
  /** Users at level 1. */
  readonly users: number
  /** Seconds at each level; undefined for those of the profile. */
  readonly holdS?: number | undefined
  readonly server: LoadServer
  /** The JPEG that users upload. */
  readonly jpeg: Uint8Array
  /** A recipe with one output, as JSON. Not used by `followers`. */
  readonly recipe: string
  /** Interrupts the run. */
  readonly signal: AbortSignal
}

export interface LoadServer {
  /** Base address of the HTTP interface, without a slash at the end. */
  readonly url: string
  /** Addresses of gRPC ports, as `host:port`. */
  readonly grpcAddresses: readonly string[]
  readonly isGrpcEncrypted: boolean
  readonly version: string
  readonly token?: string | undefined
  /** PEM texts. */
  readonly certificates?:
    | {
        readonly ca?: string | undefined
        readonly cert?: string | undefined
        readonly key?: string | undefined
      }
    | undefined
}
