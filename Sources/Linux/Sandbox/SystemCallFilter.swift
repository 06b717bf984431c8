import CLinux
import Glibc

/// A seccomp filter being built: which system calls a process may make, and with which arguments.
///
/// What no rule names ends with EPERM, an error value that every library handles: a call that a newer
/// libc makes is then refused, and does not end the process. Calls that only an intruder makes end it
/// (`killing`), so that the attempt is seen at once.
package struct SystemCallFilter: Sendable {
    /// One 32-bit half of an argument, masked, must be one of some values.
    package struct Condition: Sendable {
        fileprivate let offset: UInt32
        fileprivate let mask: UInt32
        fileprivate let values: [UInt32]

        /// - Parameters:
        ///   - argument: 0 to 5.
        ///   - high: the upper half of a 64-bit argument instead of the lower.
        package init(argument: Int, high: Bool = false, mask: UInt32 = .max, isOneOf values: [UInt32]) {
            precondition((0..<6).contains(argument) && !values.isEmpty && values.count < 200, "a condition that fits")
            // struct seccomp_data: the arguments begin at 16, 8 bytes each, little-endian.
            offset = UInt32(16 + argument * 8 + (high ? 4 : 0))
            self.mask = mask
            self.values = values
        }
    }

    private struct Rule {
        let call: Int32
        let conditions: [Condition]
        let action: UInt32
    }

    private static let allowAction: UInt32 = 0x7FFF_0000
    private static let killAction: UInt32 = 0x8000_0000
    private static func errorAction(_ code: Int32) -> UInt32 { 0x0005_0000 | UInt32(code) }

    private var rules: [Rule] = []

    package init() {}

    /// Allows a call when all conditions hold; otherwise it ends with EPERM. One rule a call.
    package mutating func allow(_ call: Int32, where conditions: [Condition] = []) {
        append(Rule(call: call, conditions: conditions, action: Self.allowAction))
    }

    package mutating func allow(_ calls: [Int32]) {
        for call in calls { allow(call) }
    }

    /// Lets a call end with `code`, for a caller that then takes another way.
    package mutating func refuse(_ call: Int32, with code: Int32) {
        append(Rule(call: call, conditions: [], action: Self.errorAction(code)))
    }

    /// Ends the whole process at these calls, with SIGSYS.
    package mutating func kill(_ calls: [Int32]) {
        for call in calls { append(Rule(call: call, conditions: [], action: Self.killAction)) }
    }

    private mutating func append(_ rule: Rule) {
        precondition(!rules.contains { $0.call == rule.call }, "two rules for one system call")
        rules.append(rule)
    }

    /// Installs the filter for all threads of this process, for ever. `no_new_privs` must be set.
    package func install() throws(SystemError) {
        var program = instructions()
        let code = unsafe program.withUnsafeMutableBufferPointer { list in
            var description = unsafe sock_fprog(len: UInt16(list.count), filter: list.baseAddress)
            // SECCOMP_SET_MODE_FILTER with SECCOMP_FILTER_FLAG_TSYNC. Sound: the kernel copies the program.
            return unsafe withUnsafeMutablePointer(to: &description) {
                systemCall(SYS_seccomp, 1, 1, Int(bitPattern: $0))
            }
        }
        if code > 0 { throw SystemError("seccomp(TSYNC)", EBUSY) }
        guard code == 0 else { throw .last("seccomp") }
    }

    /// The filter as a BPF program (the kernel's seccomp_filter.rst).
    private func instructions() -> [sock_filter] {
        let load: UInt16 = 0x20
        let and: UInt16 = 0x54
        let jumpIfEqual: UInt16 = 0x15
        let jumpIfAtLeast: UInt16 = 0x35
        let give: UInt16 = 0x06

        func instruction(_ code: UInt16, _ k: UInt32, _ yes: UInt8 = 0, _ no: UInt8 = 0) -> sock_filter {
            sock_filter(code: code, jt: yes, jf: no, k: k)
        }

        #if arch(x86_64)
            let architecture: UInt32 = 0xC000_003E
        #elseif arch(arm64)
            let architecture: UInt32 = 0xC000_00B7
        #endif
        // Another architecture's numbers mean other calls; numbers from 2^30 are those of x32.
        var program = [
            instruction(load, 4),
            instruction(jumpIfEqual, architecture, 1, 0),
            instruction(give, Self.killAction),
            instruction(load, 0),
            instruction(jumpIfAtLeast, 0x4000_0000, 0, 1),
            instruction(give, Self.killAction),
        ]
        for rule in rules {
            var block: [sock_filter] = []
            for condition in rule.conditions {
                block.append(instruction(load, condition.offset))
                block.append(instruction(and, condition.mask))
                for (index, value) in condition.values.enumerated() {
                    // A hit goes past the other values and the refusal after them.
                    block.append(instruction(jumpIfEqual, value, UInt8(condition.values.count - index), 0))
                }
                block.append(instruction(give, Self.errorAction(EPERM)))
            }
            block.append(instruction(give, rule.action))
            precondition(block.count < 256, "the block of one system call can be jumped over")
            program.append(instruction(jumpIfEqual, UInt32(rule.call), 0, UInt8(block.count)))
            program += block
        }
        program.append(instruction(give, Self.errorAction(EPERM)))
        precondition(program.count <= 4096, "the kernel takes 4096 instructions")
        return program
    }
}
