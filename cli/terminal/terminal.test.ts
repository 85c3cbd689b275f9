import { expect, test } from 'bun:test'
import { bar, liveLine } from './bar.ts'
import { styleOf } from './style.ts'
import { change } from './change.ts'

const plain = styleOf({}, true)

test('a bar is as wide as it is meant to be, whatever it shows', () => {
  for (let percent = -5; percent <= 105; percent += 0.5) expect(bar(percent, 24, plain)).toHaveLength(24)
  expect(bar(0, 4, plain)).toBe('░░░░')
  expect(bar(50, 4, plain)).toBe('██░░')
  expect(bar(56, 4, plain)).toBe('██▎░')
  expect(bar(100, 4, plain)).toBe('████')
})

test('a live line is rewritten in place and never wraps', () => {
  let written = ''
  const line = liveLine({ write: (text: string) => (written += text), columns: 10 })
  line.show('12345678901234')
  expect(written).toBe('\r\u001b[2K123456789')
  line.print('stays')
  expect(written).toEndWith('\r\u001b[2Kstays\n123456789')
  line.clear()
  expect(written).toEndWith('\r\u001b[2K')
})

test('colours are for terminals, and for those who want them', () => {
  expect(plain.red('x')).toBe('x')
  expect(styleOf({ isTTY: true }, false).red('x')).toBe('x')
  expect(styleOf({ isTTY: true }, true).red('x')).toBe('\u001b[31mx\u001b[39m')
})

test('a change is told in percent', () => {
  expect([change(100, 14), change(100, 103), change(100, 100), change(1000, 3)]).toEqual([
    '−86 %',
    '+3 %',
    '±0 %',
    '−99.7 %',
  ])
})
