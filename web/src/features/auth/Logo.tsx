/** The mark of the product, drawn in the theme's colours. */
export function Logo({ size }: { size: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="9" className="fill-accent" />
      <path
        d="M8 11.5A4.5 4.500 0 0 1 12.500 7h7a4.500 4.500 0 0 1 4.500 4.500v4a4.500 4.500 0 0 1-4.500 4.500H15l-4.600 4.100c-.65.58-1.650.12-1.650-.75V19.400A4.500 4.500 0 0 1 8 16z"
        className="fill-on-accent"
      />
      <path d="M12.500 12h7M12.500 15.500h4" className="stroke-accent" strokeWidth="1.800" strokeLinecap="round" />
    </svg>
  );
}
