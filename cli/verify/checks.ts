/** One static check: a command in the checkout whose exit code says whether all is well. */
export interface Check {
  readonly name: string
  readonly command: readonly string[]
  /** The command that fixes what it can; `verify --write` runs it first. */
  readonly write?: readonly string[]
  /** PinnedTool Go tools that are built first, where people can see it. */
  readonly tools?: readonly string[]
}

/** The one Bun that runs us. */
const bun = process.execPath
/** A tool from node_modules, run by Bun also where no Node is installed. */
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
  { name: 'format', command: tool('oxfmt', '--check'), write: tool('oxfmt') },
  { name: 'lint', command: tool('oxlint', '--type-aware', '--quiet') },
  { name: 'unused files, exports, packages', command: tool('knip', '--no-progress') },
  {
    name: 'generated pages',
    command: [bun, '--no-env-file', 'docs/generate.ts', '--check'],
    write: [bun, '--no-env-file', 'docs/generate.ts'],
  },
  { name: 'vocabulary', command: [bun, '--no-env-file', 'cli/verify/vocabulary/main.ts'] },
  { name: 'types', command: tool('tsc', '-p', '.') },
  { name: 'types of the page', command: tool('tsc', '-p', 'ui') },
  { name: 'types of the load tests', command: tool('tsc', '-p', 'loadtest') },
  {
    name: 'contract',
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
