import Foundation
import Testing

/// Fuzz targets are no part of the package: no build would tell that one does not fit the modules any more.
@Suite("Fuzz targets")
struct FuzzTargetsTests {
    private static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
    private static let targets =
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(root)/Fuzz")) ?? [])
        .filter { !sources(of: $0).isEmpty }.sorted()

    private static func sources(of target: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(root)/Fuzz/\(target)")) ?? [])
            .filter { $0.hasSuffix(".swift") }.map { "\(root)/Fuzz/\(target)/\($0)" }
    }

    @Test("they are found")
    func found() {
        #expect(!Self.targets.isEmpty, "below \(Self.root)")
    }

    @Test("each fits the modules as they were built for these tests", arguments: targets)
    func types(_ target: String) throws {
        // What the tests are run from lies beside the modules.
        let built = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        // What SwiftPM makes of the name of the package's folder, which `package` access goes by.
        let package = Self.root.split(separator: "/").last.map { $0.lowercased() } ?? ""
        let name = String(package.map { $0.isLetter || $0.isNumber ? $0 : "_" })
        let headers = try FileManager.default.contentsOfDirectory(atPath: "\(Self.root)/Sources").filter {
            FileManager.default.fileExists(atPath: "\(Self.root)/Sources/\($0)/module.modulemap")
        }
        let (output, compiler) = (Pipe(), Process())
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        compiler.arguments =
            [
                "swiftc", "-typecheck", "-swift-version", "6", "-parse-as-library", "-package-name", name,
                "-enable-experimental-feature", "Lifetimes", "-enable-upcoming-feature", "InternalImportsByDefault",
                "-Xcc", "-D_GNU_SOURCE", "-I", built.appendingPathComponent("Modules").path,
            ] + headers.flatMap { ["-I", "\(Self.root)/Sources/\($0)"] } + Self.sources(of: target)
        compiler.standardOutput = output
        compiler.standardError = output
        try compiler.run()
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        compiler.waitUntilExit()
        #expect(compiler.terminationStatus == 0, "Fuzz/\(target):\n\(said)")
    }

    @Test("`Fuzz/run` knows each, and builds for it what it imports", arguments: targets)
    func run(_ target: String) throws {
        let script = try String(contentsOfFile: "\(Self.root)/Fuzz/run", encoding: .utf8)
        let entry = script.split(separator: "\n").first { $0.drop { $0 == " " }.hasPrefix("\(target))") }
        let modules = try #require(entry?.split(separator: "\"").dropFirst().first).split(separator: " ")
        let imports = try Self.sources(of: target).map { try String(contentsOfFile: $0, encoding: .utf8) }
            .flatMap { $0.split(separator: "\n").filter { $0.hasPrefix("import ") }.map { $0.dropFirst(7) } }
        for name in imports where FileManager.default.fileExists(atPath: "\(Self.root)/Sources/\(name)") {
            #expect(modules.contains(name), "\(name)")
        }
    }
}
