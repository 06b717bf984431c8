import Firewall
import Glibc
import Linux
import Testing

/// Rulesets of one topic each, as files that a person can read. They are compared as text, to see every change, and
/// loaded into a kernel, because text proves nothing.
///
/// `GATEHOUSE_GOLDENS=write swift test --filter GoldenTests` writes them anew; the difference is then for a person to read.
@Suite("Golden rulesets", .serialized)
struct GoldenTests {
    private static let folder =
        #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 } + "/Goldens"

    private static let writes = Environment.value("GATEHOUSE_GOLDENS") == "write"

    @Test("each golden is of a topic, and each topic has a number of its own")
    func topics() {
        let names = Golden.topics.map(\.name)
        #expect(Set(names.map { $0.prefix(2) }).count == names.count)
        guard !Self.writes else { return }
        #expect(FileListing.names(in: Self.folder).sorted() == names.sorted())
    }

    @Test("a topic's text is the golden one", arguments: Golden.topics.map(\.name))
    func text(topic: String) throws {
        let intent = try #require(Golden.topics.first { $0.name == topic }?.intent)
        let text = Compiler.compile(intent).text().text
        #expect(text == Compiler.compile(intent).text().text, "the same intent gives the same bytes")
        let path = "\(Self.folder)/\(topic)/host.nft"
        if Self.writes {
            try? FileWriting.createFolder("\(Self.folder)/\(topic)")
            let bytes = Array(text.utf8)
            try FileWriting.replace(path, with: bytes.span, mode: 0o644)
        }
        let golden = String(decoding: try FileReading.read(path, limit: 1 << 20), as: UTF8.self)
        #expect(text == golden, "\(topic): the compiler's text is not the golden one")
    }

    @Test(
        "nft takes every topic, twice, and lists it",
        .enabled(if: ScratchNetwork.isAvailable, "no network namespace")
    )
    func loads() throws {
        let texts = Golden.topics.map { ($0.name, Compiler.compile($0.intent).text().text) }
        for problem in try ScratchNetwork.problems(loading: texts) { Issue.record("\(problem)") }
    }
}
