import type { Table } from './read-settings.ts'

/** One Markdown table row per setting: variable, default, format, meaning. */
export function describeSettings(table: Table): string[] {
  return Object.values(table).map((one) => {
    const defaultText = one.defaultDescription ?? (one.default === undefined ? '' : one.print(one.default))
    const names = one.secret ? `\`${one.env}\`, \`${one.env}_FILE\`` : `\`${one.env}\``
    return `| ${names} | ${defaultText === '' ? '–' : `\`${defaultText}\``} | ${cell(one.expects)} | ${cell(one.help)} |`
  })
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
