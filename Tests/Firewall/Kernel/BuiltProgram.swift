import Firewall
import Foundation

/// The program that was built with the tests, for what must be re-executed.
enum BuiltProgram {
    /// Beside the bundle that runs the tests, or what GATEHOUSE_BINARY says.
    static var path: String? {
        if let named = ProcessInfo.processInfo.environment["GATEHOUSE_BINARY"] { return named }
        let places = [ProcessInfo.processInfo.arguments[0], Bundle.main.bundlePath, Bundle.main.executablePath ?? ""]
        for place in places {
            var parts = place.split(separator: "/", omittingEmptySubsequences: false)[...]
            while !parts.isEmpty {
                let candidate = parts.joined(separator: "/") + "/gatehouse"
                let attributes = try? FileManager.default.attributesOfItem(atPath: candidate)
                if attributes?[.type] as? FileAttributeType == .typeRegular { return candidate }
                parts = parts.dropLast()
            }
        }
        return nil
    }

    /// Workers of that program.
    static func workers(seconds: Int32 = 60) throws -> KernelProcess {
        guard let path else { throw Missing() }
        return KernelProcess(program: path, seconds: seconds)
    }

    struct Missing: Error, CustomStringConvertible {
        var description: String { "no gatehouse beside the tests: `swift build --build-tests`, or GATEHOUSE_BINARY" }
    }
}
