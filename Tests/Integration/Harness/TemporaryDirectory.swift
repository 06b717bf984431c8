import Foundation
import Synchronization

/// A directory that goes away with this object. Its path is short, since Unix sockets live in it.
final class TemporaryDirectory: Sendable {
    let root: String
    private let names = Mutex(0)

    init() throws {
        // Sound: mkdtemp writes the name into the array, which ends with a zero.
        var template = Array("/tmp/gatehouse-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw HarnessError("mkdtemp: errno \(errno)") }
        root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: root)
    }

    func path(_ name: String) -> String { "\(root)/\(name)" }

    func write(_ text: String, to name: String) throws {
        try write(Array(text.utf8), to: name)
    }

    func write(_ bytes: [UInt8], to name: String) throws {
        guard FileManager.default.createFile(atPath: path(name), contents: Data(bytes)) else {
            throw HarnessError("cannot write \(path(name))")
        }
    }

    func makeExecutable(_ name: String) throws { try setMode(0o755, of: name) }

    func setMode(_ mode: Int, of name: String) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path(name))
    }

    func contents(of name: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path(name)) else {
            throw HarnessError("cannot read \(path(name))")
        }
        return Array(data)
    }

    /// A name that no earlier call returned.
    func uniqueName(_ stem: String) -> String {
        names.withLock {
            $0 += 1
            return "\(stem)-\($0)"
        }
    }
}
