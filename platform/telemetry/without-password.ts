import { redacted } from '../config/setting.ts'

/** Redacts the user and password in `scheme://user:password@host`. */
export function withoutPassword(text: string): string {
  return text.includes('://') ? text.replace(/:\/\/[^\s/@]+@/g, `://${redacted}@`) : text
}
