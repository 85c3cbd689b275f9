import { expect, test } from 'bun:test'
import { findRedisServer } from './start-redis.ts'

test('the error about a missing redis-server names the Debian package', () => {
  expect(() => findRedisServer('/nonexistent')).toThrow('apt-get install redis-server')
})
