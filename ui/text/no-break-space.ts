/** Between a number and its unit, so that a line never ends there. */
export const noBreakSpace = '\u00A0'
