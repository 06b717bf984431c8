import FoundationEssentials
import Testing

@testable import Site

/// The schema, the parser, the documents and the example of every key agree.
@Suite struct SchemaTests {
    private let schema = SchemaReader(SiteModel.shape.schema)

    private func tree(of file: String) throws -> Node {
        let source = SourceText(name: file, bytes: try FileBytes.read(repository + "/" + file).bytes)
        var collector = DiagnosticCollector(source)
        return try #require(NodeComposer.compose(source, reporting: &collector))
    }

    private func tree(_ text: String) throws -> Node {
        let source = SourceText(name: "x", bytes: Array(text.utf8))
        var collector = DiagnosticCollector(source)
        return try #require(NodeComposer.compose(source, reporting: &collector))
    }

    @Test func isJSON() throws {
        struct Head: Decodable {
            let title: String
            let required: [String]
        }
        let head = try JSONDecoder().decode(Head.self, from: Data(SiteSchema.json().utf8))
        #expect(head.title == "A Gatehouse site file")
        #expect(head.required == ["site"])
    }

    @Test(arguments: [
        "Policies/foobar.com.yaml", "Policies/every-key.yaml", "Policies/office-router.yaml", "Policies/egress.yaml",
    ])
    func acceptsWhatTheParserAccepts(file: String) throws {
        #expect(SiteFile.load(path: repository + "/" + file).text == "")
        #expect(schema.faults(of: try tree(of: file)) == [])
    }

    @Test(arguments: [
        "sites: a", "site: [a]", "{}", "site: a\nhosts: []", "site: a\nhosts: { a: { role: [x] } }",
        "site: a\nservices: { x: 80 }",
        "site: a\ngateway: {}", "site: a\ngateway: { listen: [] }", "site: a\ngateway: { listen: [{ port: 0 }] }",
        "site: a\ngateway: { listen: [{ port: x }] }", "site: a\ngateway: { listen: [{ port: 80, redirect: http }] }",
        "site: a\ngateway: { listen: [{ port: 80 }], pools: { w: { servers: [{ port: 1 }] } } }",
        "site: a\ngateway: { listen: [{ port: 80 }], pools: { w: { servers: [{ host: a, name: b, port: 1 }] } } }",
        "site: a\ngateway: { listen: [{ port: 80 }], timeouts: { client: 5 } }",
        "site: a\ngateway: { listen: [{ port: 80 }], headers: { hsts: { preload: yes } } }",
        "site: a\ngateway: { listen: [{ port: 80 }], headers: { security: none } }",
    ])
    func refusesWhatTheParserRefuses(text: String) throws {
        #expect(schema.faults(of: try tree(text)) != [])
        #expect(check(text).model == nil)
    }

    @Test func everyKeyIsInTheExampleOfEveryKey() throws {
        var used = schema.keys(of: try tree(of: "Policies/every-key.yaml"))
        // A standby is written as an issuer is.
        used.formUnion(used.map { $0.replacing("certificates.*.issuer", with: "certificates.*.standby") })
        #expect(schema.allKeys.subtracting(used) == [])
        #expect(schema.allKeys.count > 80)
    }

    /// Each key with its default and its sentence is a row of docs/site-file.md.
    @Test func everyKeyIsInTheDocuments() throws {
        let text = String(decoding: try FileBytes.read(repository + "/docs/site-file.md").bytes, as: UTF8.self)
        let lines = Set(text.split(separator: "\n").map(String.init))
        #expect(schema.rows.count > 80)
        for row in schema.rows where !lines.contains(row) { Issue.record("docs/site-file.md lacks the row: \(row)") }
    }

    @Test func defaultsInTheSchemaAreTheModels() throws {
        let defaults = Dictionary(schema.defaults, uniquingKeysWith: { first, _ in first })
        #expect(defaults["gateway.timeouts.tunnel"] == .string("1h"))
        #expect(defaults["gateway.limits.request-line"] == .string("8 KiB"))
        #expect(defaults["gateway.limits.body"] == .string("unlimited"))
        #expect(defaults["gateway.pools.*.retries.budget"] == .string("20%"))
        #expect(defaults["gateway.pools.*.servers[].weight"] == .integer(1))
        #expect(defaults["gateway.metrics.address"] == .string("127.0.0.1"))
        #expect(defaults["certificates.*.key"] == .string("ecdsa-p256"))
        #expect(defaults["gateway.metrics.port"] == nil)
    }

    /// What a site says by leaving everything out is what it says by writing every default.
    @Test func writingTheDefaultsChangesNothing() throws {
        let sections = ["timeouts", "limits", "headers"]
        var text = minimalSite
        for section in sections {
            let prefix = "gateway.\(section)."
            text += "  \(section):\n"
            for (path, value) in schema.defaults
            where path.hasPrefix(prefix) && !path.dropFirst(prefix.count).contains(".") {
                text += "    \(path.dropFirst(prefix.count)): \(value.indented)\n"
            }
        }
        #expect(text.contains("header-count: 100"))
        let outcome = check(text)
        #expect(outcome.text == "")
        #expect(outcome.model == check(minimalSite).model)
    }
}
