import Control
import Foundation
import Linux
import Site
import Synchronization

/// A `NameService` with the built helper, a hosts file of the test's own, and its log.
final class Names {
    let service: NameService
    private let folder: String
    private let lines: Lines

    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    init(helper: String? = nil, hosts: String = "") throws {
        folder = NSTemporaryDirectory() + "gatehouse-names-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let lines = Lines()
        self.lines = lines
        var settings = NameService.Settings(user: Privileges.isRoot ? UserAccount.named("nobody") : nil)
        settings.helper = try helper ?? Self.builtHelper
        settings.hostsPath = folder + "/hosts"
        settings.resolvConfPath = folder + "/resolv.conf"
        settings.report = { line in lines.all.withLock { $0.append(line) } }
        service = try NameService(settings)
        try write(hosts: hosts)
    }

    deinit {
        service.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    func write(hosts: String) throws { try Data(hosts.utf8).write(to: URL(fileURLWithPath: folder + "/hosts")) }

    func write(resolvConf: String) throws {
        try Data(resolvConf.utf8).write(to: URL(fileURLWithPath: folder + "/resolv.conf"))
    }

    var log: [String] { lines.all.withLock { $0 } }

    func want(_ names: String..., from server: TestNameServer? = nil) throws {
        try service.want(Set(names), askedOf: server.map { [$0.server] } ?? [])
    }

    func address(of name: String) -> String? { service.take()[name]?.address?.description }

    func problem(of name: String) -> String? { service.take()[name]?.problem }

    /// The helper's process, as the log has it.
    var helperProcess: Int32? {
        let words = log.last { $0.hasPrefix("outbound helper ") }?.split(separator: " ")
        return words.flatMap { $0.count > 2 ? Int32($0[2]) : nil }
    }

    /// Whether this process is a helper still: its number may be another's by now.
    static func isHelper(_ process: Int32) -> Bool {
        let name = try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)
        return name?.hasPrefix("gatehouse-outbo") == true
    }

    /// Where SwiftPM put the helper: beside the bundle that runs the tests.
    private static var builtHelper: String {
        get throws {
            let places = [
                ProcessInfo.processInfo.arguments[0], Bundle.main.bundlePath, Bundle.main.executablePath ?? "",
            ]
            for place in places {
                var parts = place.split(separator: "/", omittingEmptySubsequences: false)[...]
                while !parts.isEmpty {
                    let candidate = parts.joined(separator: "/") + "/gatehouse-outbound"
                    if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
                    parts = parts.dropLast()
                }
            }
            throw SystemError("no gatehouse-outbound beside \(places[0]): `swift build --build-tests`", 2)
        }
    }
}
