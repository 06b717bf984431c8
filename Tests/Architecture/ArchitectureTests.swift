import FoundationEssentials
import Testing

/// The repository as it is, against the house as it was designed.
@Suite("Architecture")
struct ArchitectureTests {
    private static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

    private let inspection = Inspection()

    private func files(below folder: String) throws -> [SourceFile] {
        try FileManager.default.subpathsOfDirectory(atPath: "\(Self.root)/\(folder)")
            .filter { $0.hasSuffix(".swift") }
            .sorted()
            .map { SourceFile(path: "\(folder)/\($0)", text: try text(of: "\(folder)/\($0)")) }
    }

    private func text(of path: String) throws -> String {
        try String(contentsOfFile: "\(Self.root)/\(path)", encoding: .utf8)
    }

    @Test("imports point down, Foundation and unsafe stay where they belong, files are short")
    func sources() throws {
        let files = try files(below: "Sources")
        #expect(files.count > 10, "the sources were not found below \(Self.root)")
        for problem in files.flatMap(inspection.problems(in:)) {
            Issue.record("\(problem)")
        }
    }

    @Test("tests are short files too, and close what is theirs once: all suites share a process")
    func tests() throws {
        for problem in try files(below: "Tests").flatMap({ inspection.length(of: $0) + inspection.ownership(in: $0) }) {
            Issue.record("\(problem)")
        }
    }

    @Test("Package.swift draws the same arrows as the design, and lists what the files import")
    func manifest() throws {
        let manifest = Manifest(text: try text(of: "Package.swift"))
        #expect(manifest.modules.count >= 10, "Package.swift could not be read: \(manifest.modules.keys.sorted())")
        for problem in inspection.problems(in: manifest, files: try files(below: "Sources")) {
            Issue.record("\(problem)")
        }
    }
}
