/** Separate pixels on the left, a complete image on the right. */
export function Logo() {
  return (
    <svg class="logo-mark" viewBox="0 0 28 28" width="28" height="28" aria-hidden="true" focusable="false">
      <rect class="logo-loose" x="2" y="10.5" width="7" height="7" rx="1.5" />
      <rect class="logo-near" x="10.5" y="2" width="7" height="7" rx="1.5" />
      <rect class="logo-near" x="10.5" y="19" width="7" height="7" rx="1.5" />
      <rect x="10.5" y="10.5" width="7" height="7" rx="1.5" />
      <rect x="19" y="2" width="7" height="24" rx="1.5" />
    </svg>
  )
}
