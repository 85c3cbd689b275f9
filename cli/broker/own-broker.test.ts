import { expect, test } from 'bun:test'
import { brokerEnvironment } from './own-broker.ts'

test('nats-server gets a quarter of the cores, at least one', () => {
  expect([1, 2, 8, 64].map((cores) => brokerEnvironment({}, cores)['GOMAXPROCS'])).toEqual([
    '1',
    '1',
    '2',
    '16',
  ])
})

test('the environment of up overrides the settings of the Go runtime', () => {
  const env = { PATH: '/bin', GOMAXPROCS: '7', GOGC: '70', GOMEMLIMIT: '2GiB' }
  expect(brokerEnvironment(env, 2)).toEqual(env)
})

test('nats-server gets nothing else of the environment', () => {
  const env = brokerEnvironment({ PATH: '/bin', PIXELFLOW_API_TOKENS: 'secret', HOME: '/root' }, 2)
  expect(env).toEqual({ PATH: '/bin', GOMAXPROCS: '1', GOGC: '200', GOMEMLIMIT: undefined })
})
