/** JetStream API level of nats-server 2.12, the oldest version with all features that the adapters use. */
export const minimumApiLevel = 2
export const minimumVersion = '2.12'

/**
 * The version that a nats-server reports, for example `2.15.2`; null when it does not run or is not a nats-server.
 */
export async function readNatsVersion(binary: string): Promise<string | null> {
  try {
    const child = Bun.spawn([binary, '--version'], {
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'ignore',
      timeout: 5000,
      killSignal: 'SIGKILL',
    })
    const [output, code] = await Promise.all([child.stdout.text(), child.exited])
    return code === 0 ? (/^nats-server: v?(\d+\.\d+\.\d+\S*)/m.exec(output)?.[1] ?? null) : null
  } catch {
    return null
  }
}

/** Whether a version is `minimumVersion` or newer. */
export function isSupportedVersion(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [minimumMajor = 0, minimumMinor = 0] = minimumVersion.split('.').map(Number)
  return major > minimumMajor || (major === minimumMajor && minor >= minimumMinor)
}
