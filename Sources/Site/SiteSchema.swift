/// The JSON Schema of a site file, for editors.
package enum SiteSchema {
    /// Draft 7, which editors' YAML modes know.
    package static func json() -> String {
        JSONValue.object(
            [
                .init("$schema", .string("http://json-schema.org/draft-07/schema#")),
                .init("title", .string("A Gatehouse site file")),
            ] + SiteModel.shape.schema
        ).indented
    }
}
