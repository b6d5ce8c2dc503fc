/** The mark of the product, drawn in the theme's colours. */
export function Logo({ size }: { size: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="9" className="fill-accent" />
      <path
        d="M10.500 8h11A3.500 3.500 0 0 1 25 11.500v6a3.500 3.500 0 0 1-3.500 3.500H16l-4.300 3.700A.8.8 0 0 1 10.400 24v-3A3.500 3.500 0 0 1 7 17.500v-6A3.500 3.500 0 0 1 10.500 8Z"
        className="fill-on-accent"
      />
      <path
        d="M11.800 12.600h8.400M11.800 16.200h5.200"
        className="stroke-accent"
        strokeWidth="1.800"
        strokeLinecap="round"
      />
    </svg>
  );
}
