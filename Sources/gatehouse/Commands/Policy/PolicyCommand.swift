import ArgumentParser

struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "The firewalls of the site's hosts.",
        subcommands: [
            PolicyCompile.self, PolicyCheckCommand.self, PolicyProve.self, PolicyExplain.self, PolicyDiff.self,
            PolicyApply.self, PolicyConfirm.self, PolicyRollback.self, PolicyDrift.self, PolicyWatch.self,
            PolicyStatus.self, PolicyLoad.self,
        ]
    )
}
