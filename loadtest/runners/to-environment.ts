import type { LoadRun } from './load-run.ts'

/** Files of one run. */
export interface RunFiles {
  /** The JPEG that users upload. */
  readonly image: string
  /** Where the program writes what it measured. */
  readonly summary: string
  /** Where the certificate authority is written, if the server has one of its own. */
  readonly ca: string
  /** Folder of the gRPC contract. */
  readonly proto: string
}

/** The variables by which the scripts of k6 and the followers receive a run. The token is in no command line. */
export function toEnvironment(run: LoadRun, files: RunFiles): Record<string, string> {
  const { url, grpcAddresses, isGrpcEncrypted, token, certificates = {} } = run.server
  const values: Readonly<Record<string, string | undefined>> = {
    URL: url,
    GRPC_ADDRESSES: grpcAddresses.join(','),
    GRPC_TLS: String(isGrpcEncrypted),
    TOKEN: token,
    CA: certificates.ca,
    CERT: certificates.cert,
    KEY: certificates.key,
    PROFILE: run.profile,
    USERS: String(run.users),
    HOLD_S: run.holdS === undefined ? undefined : String(run.holdS),
    RECIPE: run.recipe,
    IMAGE_FILE: files.image,
    SUMMARY_FILE: files.summary,
    PROTO_FOLDER: files.proto,
  }
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      value === undefined ? [] : [[`LOADTEST_${name}`, value]],
    ),
  )
}
