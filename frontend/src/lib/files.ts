/** Whether a file's name or media type is one of `accept` (".csv,image/*"); an empty list takes everything. */
export function accepted(accept: string, name: string, type: string): boolean {
  const wanted = accept
    .split(",")
    .map((part) => part.trim().toLowerCase())
    .filter(Boolean);
  return (
    !wanted.length ||
    wanted.some((part) =>
      part.startsWith(".")
        ? name.toLowerCase().endsWith(part)
        : part.endsWith("/*")
          ? type.startsWith(part.slice(0, -1))
          : type === part,
    )
  );
}
