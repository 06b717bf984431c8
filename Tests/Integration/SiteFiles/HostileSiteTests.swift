import Glibc
import Testing

/// Site files made to hurt, given to the built binary. How fast each is refused is for `make bench` to say.
@Suite("Hostile site files", .patient)
struct HostileSiteTests {
    struct Hostile: CustomTestStringConvertible, Sendable {
        let name: String
        /// The code of the first error.
        let code: String
        let text: @Sendable () -> String

        var testDescription: String { name }
    }

    private static let files = [
        Hostile(name: "an alias of itself", code: "anchor") { "site: &a\n  b: *a\nhosts: &h { x: *h }\n" },
        Hostile(name: "an alias bomb", code: "anchor") {
            "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
                + (1..<30).map { level in
                    "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ","))]\n"
                }.joined()
        },
        Hostile(name: "eight million brackets", code: "too-deep") { "a: " + String(repeating: "[", count: 8_000_000) },
        Hostile(name: "three million mappings", code: "too-deep") { String(repeating: "{a: ", count: 3_000_000) },
        Hostile(name: "a million keys", code: "too-many-nodes") {
            (0..<1_000_000).map { "k\($0): 1\n" }.joined()
        },
        Hostile(name: "a value of sixteen million letters", code: "invalid-value") {
            "site: " + String(repeating: "a", count: 16_000_000)
        },
        Hostile(name: "four million documents", code: "documents") { String(repeating: "---\n", count: 4_000_000) },
    ]

    @Test("are refused with an error that says where, and hurt nobody", arguments: files)
    func hostile(file: Hostile) throws {
        let directory = try TemporaryDirectory()
        try directory.write(file.text(), to: "site.yaml")
        let result = try run(
            try Gateway.binary,
            ["check", "--site", directory.path("site.yaml")],
            in: directory,
            within: .seconds(120)
        )
        #expect(result.status == 2)
        let first = result.error.split(separator: "\n").first ?? ""
        #expect(first.hasSuffix("[\(file.code)]") && first.contains("site.yaml:"), "\(first)")
        #expect(result.error.utf8.count < 200_000, "\(result.error.utf8.count) bytes of errors")
    }

    @Test("of 200 MB, binary or not a file at all, they are refused; a reload with one leaves the gateway as it is")
    func noSiteFile() throws {
        let gateway = try Gateway(ScriptedServer.named("app"))
        let path = gateway.directory.path("site.yaml")
        let site = gateway.site
        func check(_ expected: String) throws {
            let result = try run(try Gateway.binary, ["check", "--site", path], in: gateway.directory)
            #expect(result.status == 2 && result.error.contains("[\(expected)]"), "\(result.error.prefix(500))")
            gateway.process.send(SIGHUP)
            try eventually("the reload is refused: \(gateway.log)") { gateway.log.contains("[\(expected)]") }
            #expect(try gateway.get().text == "app")
        }
        try gateway.directory.write("", to: "site.yaml")
        _ = try run("truncate", ["--size=200000000", path], in: gateway.directory)
        try check("too-large")

        var dice = Dice(seed: 1)
        try gateway.directory.write((0..<1_000_000).map { _ in UInt8(dice.below(32)) }, to: "site.yaml")
        try check("syntax")

        _ = try run("rm", [path], in: gateway.directory)
        _ = try run("mkfifo", [path], in: gateway.directory)
        try check("unreadable")

        _ = try run("rm", [path], in: gateway.directory)
        try gateway.reload(site)
        #expect(try gateway.get().text == "app")
    }
}
