/**
 * Reads the JSON Schema that the server generates from its task types (only the subset used there).
 *
 * The root describes the flow; `$defs.task.oneOf` lists the task types, each with `properties.type.const`.
 */
export interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  format?: string;
  examples?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
  $ref?: string;
  $defs?: Record<string, Schema>;
  "x-icon"?: string;
  "x-kind"?: string;
  "x-children"?: string[];
}
export type Path = (string | number)[];

export class SchemaIndex {
  constructor(readonly root: Schema) {}
  deref(s: Schema | undefined): Schema | undefined {
    let n = s;
    for (let i = 0; n && i < 20; i++) {
      if (n.$ref) n = this.root.$defs?.[n.$ref.replace("#/$defs/", "")];
      else {
        // "this or null" and one-part allOf: what is inside, with what is said outside.
        const parts: Schema[] = (n.anyOf ?? n.allOf ?? []).filter((part) => part.type !== "null");
        if (!parts.length || n.properties || n.oneOf) break;
        const { anyOf: _any, allOf: _all, ...outside }: Schema = n;
        n = { ...this.deref(parts[0]), ...outside };
      }
    }
    return n;
  }
  /** For a `oneOf` of task types, the branch whose `type` constant equals the value found in the document. */
  branch(s: Schema | undefined, type: unknown): Schema | undefined {
    const n = this.deref(s);
    if (!n?.oneOf) return n;
    return n.oneOf.map((b) => this.deref(b)!).find((b) => b.properties?.["type"]?.const === type);
  }
  types(s: Schema | undefined): Schema[] {
    return this.deref(s)?.oneOf?.map((b) => this.deref(b)!) ?? [];
  }
  /** The schema at `path`; `typeAt(prefix)` returns the `type` value of the mapping at that prefix. */
  at(path: Path, typeAt: (p: Path) => unknown): Schema | undefined {
    let s: Schema | undefined = this.root;
    path.forEach((key, i) => {
      const n = this.branch(s, typeAt(path.slice(0, i)));
      s =
        typeof key === "number"
          ? n?.items
          : (n?.properties?.[key] ??
            (typeof n?.additionalProperties === "object" ? n.additionalProperties : undefined));
    });
    return this.deref(s);
  }
}
