/** JetStream API level of nats-server 2.12, the oldest that has everything the adapters builds on. */
export const minimumApiLevel = 2
export const minimumVersion = '2.12'

/**
 * The version that a nats-server binary reports, e.g. `2.15.2`; null when it does not run here or is not a nats-server.
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
    const [told, code] = await Promise.all([child.stdout.text(), child.exited])
    return code === 0 ? (/^nats-server: v?(\d+\.\d+\.\d+\S*)/m.exec(told)?.[1] ?? null) : null
  } catch {
    return null
  }
}

/** Whether a version is `minimumVersion` or newer. */
export function isSupportedVersion(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [oldestMajor = 0, oldestMinor = 0] = minimumVersion.split('.').map(Number)
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)
}
