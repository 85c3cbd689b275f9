/** What the command line runs. */
export { formatReport } from './report/format-report.ts'
export { writeReport } from './report/write-report.ts'
export { LoadTestError } from './runners/load-test-error.ts'
export { runLoadTest } from './runners/run-load-test.ts'
export { createLoadPhoto } from './create-load-photo.ts'
