import { expect, test } from 'bun:test'
import { renderBudget } from './render-budget.ts'

test('what does not apply to a process is empty', () => {
  const text = renderBudget({
    title: 'small',
    sourceBytes: 1000,
    processes: {
      gateway: { cpuMs: 1.234, traffic: { messagesIn: 2, messagesOut: 3, bytesIn: 4000, bytesOut: 500 } },
      broker: { cpuMs: 2, systemCalls: { 'files opened': 1.5 } },
    },
    stages: [{ name: 'queued → started', ms: 3 }],
  })
  expect(text).toMatch(/\| CPU, ms +\| +1\.23 \| +2\.00 \|/)
  expect(text).toMatch(/\| kB to the broker +\| +4\.0 \| +\|/)
  expect(text).toMatch(/\| system calls: files opened +\| +\| +1\.5 \|/)
  expect(text).toMatch(/\| queued → started +\| +3\.0 \|/)
})

test('a budget without system calls gives the reason', () => {
  const budget = { title: 'small', sourceBytes: 1000, processes: { gateway: { cpuMs: 1 } }, stages: [] }
  expect(renderBudget(budget)).toContain('System calls were not counted')
})
