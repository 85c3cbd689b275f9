/** A static check: a command that exits with 0 if the check passes. */
export interface Check {
  readonly name: string
  readonly command: readonly string[]
  /** The command that fixes problems; `verify --write` runs it first. */
  readonly write?: readonly string[]
  /** What it writes is read by what writes other files, so it is written before them. */
  readonly isReadByOthers?: true
  /** Names of pinned Go tools that are built first, so that their progress is visible. */
  readonly tools?: readonly string[]
}

/** The Bun that runs this process. */
const bun = process.execPath
/** A tool of node_modules, run by Bun, because Node.js may not be installed. */
const tool = (...command: string[]) => [bun, '--no-env-file', 'run', '--bun', '--silent', ...command]

/** Every static check, fast ones first. Add a row for a new one. */
export const checks: readonly Check[] = [
  {
    name: 'shell scripts parse',
    command: [
      'sh',
      '-c',
      'for file; do sh -n "$file" || exit 1; done',
      'sh',
      'pixelflow',
      'cli/stack/die-with-parent.sh',
    ],
  },
  // Before the checks of the files that it writes.
  {
    name: 'generated pages',
    command: [bun, '--no-env-file', 'docs/generate.ts', '--check'],
    write: [bun, '--no-env-file', 'docs/generate.ts'],
  },
  { name: 'format', command: tool('oxfmt', '--check'), write: tool('oxfmt') },
  { name: 'lint', command: tool('oxlint', '--type-aware', '--quiet') },
  { name: 'unused files, exports, packages', command: tool('knip', '--no-progress') },
  { name: 'vocabulary', command: [bun, '--no-env-file', 'cli/verify/vocabulary/main.ts'] },
  { name: 'types', command: tool('tsc', '-p', '.') },
  { name: 'types of the page', command: tool('tsc', '-p', 'ui') },
  { name: 'types of the load tests', command: tool('tsc', '-p', 'loadtest') },
  {
    name: 'contract',
    isReadByOthers: true,
    tools: ['buf', 'protoc-gen-go', 'protoc-gen-go-grpc'],
    command: [bun, '--no-env-file', 'proto/verify.ts'],
    write: [bun, '--no-env-file', 'proto/generate.ts'],
  },
  {
    name: 'chart',
    tools: ['helm', 'kubectl-validate'],
    command: [bun, '--no-env-file', 'deploy/k8s/verify.ts'],
    write: [bun, '--no-env-file', 'deploy/k8s/generate.ts'],
  },
]
