import { profiles, type Profile, type ProfileName } from '../profiles.ts'

/** What `runners/run-k6.ts` passes to a script, as environment variables. */
export interface Settings {
  /** Base address of the HTTP interface, without a slash at the end. */
  readonly url: string
  /** Addresses of gRPC ports, as `host:port`. */
  readonly grpcAddresses: readonly string[]
  readonly isGrpcEncrypted: boolean
  readonly token: string | undefined
  readonly profile: Profile
  /** Users at level 1. */
  readonly users: number
  /** Seconds at each level, if they differ from those of the profile. */
  readonly holdS: number | undefined
  /** Path of the JPEG that users upload. */
  readonly imageFile: string
  /** JSON. */
  readonly recipe: string
  /** Where the summary is written. */
  readonly summaryFile: string
  /** Folder of the gRPC contract. */
  readonly protoFolder: string
  /** PEM texts of the certificate authority, the client certificate and its key. */
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
}

export const settings: Settings = {
  url: read('URL'),
  grpcAddresses: read('GRPC_ADDRESSES').split(',').filter(Boolean),
  isGrpcEncrypted: read('GRPC_TLS') === 'true',
  token: readOptional('TOKEN'),
  profile: profiles[read('PROFILE') as ProfileName],
  users: Number(read('USERS')),
  holdS: readOptional('HOLD_S') === undefined ? undefined : Number(read('HOLD_S')),
  imageFile: read('IMAGE_FILE'),
  recipe: read('RECIPE'),
  summaryFile: read('SUMMARY_FILE'),
  protoFolder: read('PROTO_FOLDER'),
  ca: readOptional('CA'),
  cert: readOptional('CERT'),
  key: readOptional('KEY'),
}

function read(name: string): string {
  const value = readOptional(name)
  if (value === undefined) throw new Error(`LOADTEST_${name} is not set. Run ./pixelflow loadtest.`)
  return value
}

function readOptional(name: string): string | undefined {
  return __ENV[`LOADTEST_${name}`]
}
