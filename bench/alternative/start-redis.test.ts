import { expect, test } from 'bun:test'
import { findRedisServer } from './start-redis.ts'

test('the error about a missing redis-server names the Debian package', () => {
  const find = () => findRedisServer('/nonexistent')
  expect(find).toThrow(
    expect.objectContaining({ remedy: expect.stringContaining('apt-get install redis-server') }),
  )
})
