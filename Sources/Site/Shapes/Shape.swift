/// What a part of a site file may hold. It is said once, and read three ways: the parser decodes with it, the JSON
/// Schema is printed from it, and defaults in the schema are written by it. So the three cannot drift apart.
struct Shape<Value>: Sendable {
    /// The keywords of its JSON Schema.
    let schema: [JSONValue.Member]
    /// A value as a site file would write it; nil for what has no short form.
    let encode: @Sendable (Value) -> JSONValue?
    /// The value of a node, or nil after a fault was reported.
    let decode: @Sendable (Node, inout Decoding) -> Value?

    init(
        schema: [JSONValue.Member],
        encode: @escaping @Sendable (Value) -> JSONValue? = { _ in nil },
        decode: @escaping @Sendable (Node, inout Decoding) -> Value?
    ) {
        self.schema = schema
        self.encode = encode
        self.decode = decode
    }

    /// The same shape, its value made into another. `transform` may report faults, and gives nil then.
    func map<New>(
        _ transform: @escaping @Sendable (Value, Node, inout Decoding) -> New?,
        encode: @escaping @Sendable (New) -> JSONValue? = { _ in nil }
    ) -> Shape<New> {
        Shape<New>(schema: schema, encode: encode) { node, decoding in
            guard let value = decode(node, &decoding) else { return nil }
            return transform(value, node, &decoding)
        }
    }

    /// The same shape, its value looked at once more. `inspect` reports what is wrong.
    func checked(_ inspect: @escaping @Sendable (Value, Node, inout Decoding) -> Void) -> Shape {
        Shape(schema: schema, encode: encode) { node, decoding in
            guard let value = decode(node, &decoding) else { return nil }
            inspect(value, node, &decoding)
            return value
        }
    }
}
