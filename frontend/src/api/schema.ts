/** Made by `npm run schema` from the service's OpenAPI document; do not edit. */

export interface paths {
    "/grants/{fingerprint}/{epoch}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Grant
         * @description A reader's grant of an epoch (protocol 4.8.2): content keys that the reader alone unwraps. It may change.
         */
        get: operations["grant_grants__fingerprint___epoch__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Healthz
         * @description The process answers.
         */
        get: operations["healthz_healthz_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ipfs/{cid}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Block
         * @description One block by its CID, raw; or as a CAR file, with all blocks that it leads to.
         */
        get: operations["block_ipfs__cid__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/log/checkpoint": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Checkpoint
         * @description The newest head of the log that stands on chain: a signed note, with the cosignatures of witnesses.
         */
        get: operations["checkpoint_log_checkpoint_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/log/proof/{index}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Proof
         * @description An entry's inclusion with the newest checkpoint, one text that verifies offline (C2SP tlog-proof).
         */
        get: operations["proof_log_proof__index__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/log/tile/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Tile
         * @description A tile of hashes (`<level>/<number>`) or a bundle of entries (`entries/<number>`), whole or `.p/<width>`.
         */
        get: operations["tile_log_tile__path__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/log/vkey": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Vkey
         * @description The key with which this service signs the log's heads; a verifier should have it from elsewhere.
         */
        get: operations["vkey_log_vkey_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Readyz
         * @description Whether database and jobs work; 503 when one does not, with what it said.
         */
        get: operations["readyz_readyz_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/applications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Applications
         * @description The latest application of each account, by account.
         */
        get: operations["applications_v1_applications_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/beacon": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Beacon
         * @description The newest block that is F deep.
         */
        get: operations["beacon_v1_beacon_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/charter": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Charter
         * @description How members decide, and what they agreed for a day, today by default.
         */
        get: operations["charter_v1_charter_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/configurations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Configurations
         * @description Configurations, the newest first: a member's own stations', or all for operator and regulators.
         */
        get: operations["configurations_v1_configurations_get"];
        put?: never;
        /**
         * Configure
         * @description Leave signed configurations, DAG-CBOR `{v: 1, configurations: [bytes]}`; all or none, a repeated one once.
         */
        post: operations["configure_v1_configurations_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/configurations/answers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Configured
         * @description Take a box's signed answers; a repeated one counts once.
         */
        post: operations["configured_v1_configurations_answers_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/curve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Alliance Curve
         * @description The whole alliance's day, today by default; a slot is measured once every station's is.
         */
        get: operations["alliance_curve_v1_curve_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/demo/wallets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Wallets
         * @description The members' wallets of the demo. Raises NoDemo everywhere else.
         */
        get: operations["wallets_v1_demo_wallets_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/deployment": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Pinned
         * @description The deployment file that this service runs with, and a node's address as a hint; a verifier pins its own copy.
         */
        get: operations["pinned_v1_deployment_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/devices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Devices
         * @description Devices by address, with their channels and keys.
         */
        get: operations["devices_v1_devices_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/directives": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Directives
         * @description Directives, the newest first: a member's own stations', or all for operator, dispatchers and regulators.
         */
        get: operations["directives_v1_directives_get"];
        put?: never;
        /**
         * Send
         * @description Leave signed directives for boxes, DAG-CBOR `{v: 1, directives: [bytes]}`; all or none, a repeated one once.
         */
        post: operations["send_v1_directives_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/directives/{directive}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Directive
         * @description One directive as it was signed, with every answer as its box signed it; another's is unknown.
         */
        get: operations["directive_v1_directives__directive__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/directives/answers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Answer
         * @description Take a box's signed answers; a repeated one counts once.
         */
        post: operations["answer_v1_directives_answers_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/epochs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Epochs
         * @description Epochs, newest first.
         */
        get: operations["epochs_v1_epochs_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/groupings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * File Grouping
         * @description File the billing groups from a day on; refused (`rules_not_agreed`) when members agreed on others for it.
         */
        post: operations["file_grouping_v1_groupings_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/instructions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Instructions
         * @description Instructions, the newest first.
         */
        get: operations["instructions_v1_instructions_get"];
        put?: never;
        /**
         * Instruct
         * @description Split a target over stations by their last measured states.
         *
         *     A shortfall is part of the answer. Boxes obey what a dispatcher signs of it (`POST /v1/directives`).
         */
        post: operations["instruct_v1_instructions_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/instructions/{instruction}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Instruction
         * @description One instruction: the record, and of the states behind its caps those that the asker may see.
         */
        get: operations["instruction_v1_instructions__instruction__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/instructions/fairness": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Fairness
         * @description How often and how much each station was called per megawatt that it had, over the instructions of a span.
         */
        get: operations["fairness_v1_instructions_fairness_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/leases": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Leases
         * @description Leases by number.
         */
        get: operations["leases_v1_leases_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Live
         * @description The last live values of the stations that the asker may see.
         */
        get: operations["live_v1_live_get"];
        put?: never;
        /**
         * Show
         * @description Show a station's live values until newer ones come.
         */
        post: operations["show_v1_live_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/log/consistency": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Consistency
         * @description That the log of one anchored size begins that of another, the newest by default.
         */
        get: operations["consistency_v1_log_consistency_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/log/inclusion": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Inclusion
         * @description That an entry stands in the log of an anchored size, the newest by default.
         */
        get: operations["inclusion_v1_log_inclusion_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/members": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Members
         * @description Members by number.
         */
        get: operations["members_v1_members_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/members/{member}/profile": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Put Member
         * @description Say what a member is called; the member's own wallet or the operator.
         */
        put: operations["put_member_v1_members__member__profile_put"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/offers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Offers
         * @description Offers by number.
         */
        get: operations["offers_v1_offers_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/plan-runs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Plan Runs
         * @description What came of the planner's runs for a day, tomorrow's by default, and why.
         */
        get: operations["plan_runs_v1_plan_runs_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/plans": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Plans
         * @description Planning jobs, the newest first.
         */
        get: operations["plans_v1_plans_get"];
        put?: never;
        /**
         * Plan
         * @description Take a fleet's problem or a settled day's and plan it in a job: `Location` says where to look.
         */
        post: operations["plan_v1_plans_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/plans/{plan}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One Plan
         * @description How far a job is, and what came of it: a certificate or record that anybody can check, or the reason.
         */
        get: operations["one_plan_v1_plans__plan__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/plans/{plan}/replans": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Replan
         * @description Roll a fleet's plan, or the cycle before, on from measured states (9.12), in a job.
         */
        post: operations["replan_v1_plans__plan__replans_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/profiles": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Profiles
         * @description What members and stations are called, and where stations stand.
         */
        get: operations["profiles_v1_profiles_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/proposals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Proposals
         * @description Proposals by number.
         */
        get: operations["proposals_v1_proposals_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/proposals/{proposal}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Proposal
         * @description One proposal.
         */
        get: operations["proposal_v1_proposals__proposal__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/readers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Readers
         * @description The readers that can read something of the asker's, and regulators; operator and regulators see all.
         */
        get: operations["readers_v1_readers_get"];
        put?: never;
        /**
         * Register
         * @description Register a reader: a member for itself, an auditor by any member, a regulator by the operator.
         */
        post: operations["register_v1_readers_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/readers/{fingerprint}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Remove
         * @description Remove a reader: nothing more is granted and its grants are deleted. What it copied cannot be recalled.
         */
        delete: operations["remove_v1_readers__fingerprint__delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/readers/{fingerprint}/subjects": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Give
         * @description Give an auditor a station's evidence (its owner) or the alliance's documents (the operator), past and future.
         */
        post: operations["give_v1_readers__fingerprint__subjects_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/readers/{fingerprint}/subjects/{subject}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Take Back
         * @description Take a subject from an auditor: future grants end, old ones are deleted. Copies cannot be recalled.
         */
        delete: operations["take_back_v1_readers__fingerprint__subjects__subject__delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/readers/trail": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Trail
         * @description Who was granted what, when and by whom; removals and erasures too. In order.
         */
        get: operations["trail_v1_readers_trail_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/readers/trail.csv": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Export
         * @description The trail as a table, for a regulator's files.
         */
        get: operations["export_v1_readers_trail_csv_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/readings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Readings
         * @description A station's readings of one channel, by device and number; its owner's alone.
         */
        get: operations["readings_v1_readings_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/readings/{name}/receipt": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Receipt Of
         * @description The proof of one reading, named `{alliance}:{device}:{channel}:{seq}`, once final; for its owner.
         */
        get: operations["receipt_of_v1_readings__name__receipt_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/rule-packs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Rule Packs
         * @description All rule packs.
         */
        get: operations["rule_packs_v1_rule_packs_get"];
        put?: never;
        /**
         * File Pack
         * @description File a rule pack; it is logged with the open epoch and binds days that begin after its checkpoint.
         *
         *     Refused (`rules_not_agreed`) when members agreed on another one for the first day that it can bind.
         */
        post: operations["file_pack_v1_rule_packs_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/schedules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Schedules
         * @description A day's schedules, today's by default, in the order in which they were made.
         */
        get: operations["schedules_v1_schedules_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/schedules/{schedule}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Schedule
         * @description One schedule; gains are shown to the member whose they are, and to the operator.
         */
        get: operations["schedule_v1_schedules__schedule__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/segments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Upload
         * @description Take segments. A repeated one is acknowledged again with the same content; a refused one disturbs no other.
         */
        post: operations["upload_v1_segments_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/segments/conflicts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Conflicts
         * @description Equivocations seen so far: anyone may take one to `AnchorLog.equivocate`.
         */
        get: operations["conflicts_v1_segments_conflicts_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/segments/heads/{device}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Heads
         * @description Where a device's streams end, for a box that lost its head; public as the manifests are.
         */
        get: operations["heads_v1_segments_heads__device__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/service": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Service
         * @description What clients must know of this service beside the deployment.
         */
        get: operations["service_v1_service_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Who
         * @description Who is signed in.
         */
        get: operations["who_v1_session_get"];
        put?: never;
        /**
         * Sign In
         * @description Open a session with a signed EIP-4361 message: a bearer token, and the same as an httpOnly cookie.
         */
        post: operations["sign_in_v1_session_post"];
        /**
         * Sign Out
         * @description End the session that the request carries.
         */
        delete: operations["sign_out_v1_session_delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/session/nonce": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Nonce
         * @description A fresh nonce and all else that the EIP-4361 message must carry.
         */
        get: operations["nonce_v1_session_nonce_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/settlements": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Settlements
         * @description Settled days, the newest first; one whose statements are void waits for its new one.
         */
        get: operations["settlements_v1_settlements_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/settlements/{day}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Settlement
         * @description One settled day.
         */
        get: operations["settlement_v1_settlements__day__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/settlements/{day}/{version}/leaves/{index}/proof": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Leaf Proof
         * @description A line's leaf of a posted statement with its path to the root; a line of the asker's own.
         */
        get: operations["leaf_proof_v1_settlements__day___version__leaves__index__proof_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/settlements/{day}/figures": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Day Figures
         * @description What is shown beside the asker's balance (the operator: everyone's).
         */
        get: operations["day_figures_v1_settlements__day__figures_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/settlements/{day}/lines": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lines
         * @description The asker's own lines of the whole day as it stands (the operator: all), in order of identity.
         */
        get: operations["lines_v1_settlements__day__lines_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Stations
         * @description Stations by number.
         */
        get: operations["stations_v1_stations_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stations/{station}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Station
         * @description One station.
         */
        get: operations["station_v1_stations__station__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stations/{station}/configuration": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Configuration For Box
         * @description What a station's box may take, DAG-CBOR `{v: 1, configuration: bytes or null}`; for its device alone.
         */
        get: operations["configuration_for_box_v1_stations__station__configuration_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stations/{station}/curve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Station Curve
         * @description A station's day, today by default; its owner's.
         */
        get: operations["station_curve_v1_stations__station__curve_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stations/{station}/directives": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * For Box
         * @description What a station's box has to decide on, DAG-CBOR `{v: 1, directives: [bytes]}`; for its device alone.
         */
        get: operations["for_box_v1_stations__station__directives_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stations/{station}/erasure": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Erase
         * @description Erase a station's evidence for good: its owner once its days are final, the operator with `force` at any time.
         */
        post: operations["erase_v1_stations__station__erasure_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stations/{station}/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * File History
         * @description File a past day's net load; the station's owner or the operator.
         */
        post: operations["file_history_v1_stations__station__history_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stations/{station}/profile": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Station Profile
         * @description One station's profile.
         */
        get: operations["station_profile_v1_stations__station__profile_get"];
        /**
         * Put Station
         * @description Say what a station is called, where it stands and how it may be planned; its owner or the operator.
         */
        put: operations["put_station_v1_stations__station__profile_put"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stations/{station}/schedule": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Station Schedule
         * @description A station's rows of a day's newest schedule, today's by default: what its box follows.
         */
        get: operations["station_schedule_v1_stations__station__schedule_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tariff": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Tariff
         * @description The tariff of a day, today's by default.
         */
        get: operations["tariff_v1_tariff_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/texts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * File
         * @description File a text, so that all who know its hash can read it; any signed-in wallet.
         */
        post: operations["file_v1_texts_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/texts/{hashed}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read
         * @description The text of a hash; null when nobody filed it here.
         */
        get: operations["read_v1_texts__hashed__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * AckAnswer
         * @description An acknowledgement: the segment will stand in a manifest no later than that of `epoch`.
         */
        AckAnswer: {
            /** Epoch */
            epoch: number;
            /** Segment */
            segment: string;
            /** Signature */
            signature: string;
        };
        /**
         * ActAnswer
         * @description One act of the trail: who did what to which reader or subject, and when.
         */
        ActAnswer: {
            /** At */
            at: number;
            /** By */
            by: string;
            /** Kind */
            kind: string | null;
            /** Number */
            number: number;
            /** Reader */
            reader: string | null;
            /** Subject */
            subject: number | null;
            /** What */
            what: string;
        };
        /**
         * AnchoredAnswer
         * @description The first checkpoint on chain that holds a document.
         */
        AnchoredAnswer: {
            /** Block */
            block: number;
            /** Epoch */
            epoch: number;
            /** Times */
            timeS: number;
        };
        /**
         * ApplicationAnswer
         * @description An account's latest application: applied, withdrawn, rejected or admitted.
         */
        ApplicationAnswer: {
            /** Applicant */
            applicant: string;
            chainStatus: components["schemas"]["ChainStatus"];
            /** Hash */
            hash: string;
            /** Status */
            status: string;
        };
        /**
         * AskAnswer
         * @description What a party of a lease asked for last: its end at `from_slot`, or with quantities an amendment from there on.
         */
        AskAnswer: {
            /** Energywh */
            energyWh: number | null;
            /** Fromslot */
            fromSlot: number;
            /** Member */
            member: number;
            /** Powerw */
            powerW: number | null;
            /** Termslots */
            termSlots: number | null;
        };
        /**
         * BallotAnswer
         * @description What a member did last about a proposal: `for`, `against` or `objected`.
         */
        BallotAnswer: {
            /** Ballot */
            ballot: string;
            /** Member */
            member: number;
        };
        /**
         * BeaconAnswer
         * @description The newest block that is F deep: what edges put into segments; `timestamp` in unix seconds.
         */
        BeaconAnswer: {
            /** Block */
            block: number;
            /** Hash */
            hash: string;
            /** Timestamp */
            timestamp: number;
        };
        /**
         * Bound
         * @description Why a station gives no more: what its cap comes from, or that the target is met without more of it.
         * @enum {string}
         */
        Bound: "power" | "soc" | "pcc" | "declared" | "stale" | "unavailable" | "share" | "merit";
        /**
         * ChainStatus
         * @description How firmly something stands on chain.
         * @enum {string}
         */
        ChainStatus: "pending" | "confirmed" | "final";
        /**
         * ChannelAnswer
         * @description A channel's binding to a station; `to` 0 is open.
         */
        ChannelAnswer: {
            /** Channel */
            channel: number;
            /** From */
            from: number;
            /** Kind */
            kind: string;
            /** Station */
            station: number;
            /** To */
            to: number;
        };
        /**
         * CharterAnswer
         * @description How members decide and what they agreed for a day; null where they agreed on nothing.
         */
        CharterAnswer: {
            /** Day */
            day: string;
            /** Feebp */
            feeBp: number | null;
            /** Groupspack */
            groupsPack: string | null;
            /** Lossppm */
            lossPpm: number | null;
            /** Mechanisms */
            mechanisms: components["schemas"]["MechanismAnswer"][];
            /** Revocations */
            revocations: components["schemas"]["RevocationAnswer"][];
            /** Rulings */
            rulings: components["schemas"]["RulingAnswer"][];
            /** Successors */
            successors: components["schemas"]["SuccessorAnswer"][];
            /** Tariffpack */
            tariffPack: string | null;
            voting: components["schemas"]["VotingAnswer"];
        };
        /**
         * ConfigurationAnswer
         * @description A configuration as it was signed, and what its box said of it last (protocol 9.20.7).
         */
        ConfigurationAnswer: {
            /** Answeredat */
            answeredAt: number | null;
            /** Configurer */
            configurer: string;
            /** Digest */
            digest: string;
            /** Fetchedat */
            fetchedAt: number | null;
            /** Issuedat */
            issuedAt: number;
            /** Message */
            message: string;
            /** Number */
            number: number;
            outcome: components["schemas"]["Ending"] | null;
            /** Patiences */
            patienceS: number;
            /** Reason */
            reason: string;
            /** Station */
            station: number;
            /** Takenat */
            takenAt: number;
            /** Trials */
            trialS: number;
            /** Until */
            until: number;
            /** Values */
            values: {
                [key: string]: boolean | number | string;
            };
        };
        /**
         * ConfigurationsTaken
         * @description Configurations as they were taken, in the order in which they were sent.
         */
        ConfigurationsTaken: {
            /** Items */
            items: components["schemas"]["ConfigurationAnswer"][];
        };
        /**
         * ConflictAnswer
         * @description An equivocation: two segments that one key signed for one place; proof for `AnchorLog.equivocate`.
         */
        ConflictAnswer: {
            kept: components["schemas"]["SignedSegmentAnswer"];
            refused: components["schemas"]["SignedSegmentAnswer"];
        };
        /**
         * ConsistencyAnswer
         * @description That a smaller log is a beginning of a larger one (RFC 9162 2.1.4).
         */
        ConsistencyAnswer: {
            /** Newroot */
            newRoot: string;
            /** Newsize */
            newSize: number;
            /** Oldroot */
            oldRoot: string;
            /** Oldsize */
            oldSize: number;
            /** Proof */
            proof: string[];
        };
        /**
         * CurveAnswer
         * @description A day's course of a station, or of all stations together (station null).
         */
        CurveAnswer: {
            /** Day */
            day: string;
            /** Schedule */
            schedule: string | null;
            /** Slots */
            slots: components["schemas"]["CurveSlot"][];
            /** Station */
            station: number | null;
        };
        /**
         * CurveSlot
         * @description A slot as planned and as measured; null where there is no plan, or no measurement yet.
         */
        CurveSlot: {
            /** Batterywh */
            batteryWh: number | null;
            /** Netloadwh */
            netLoadWh: number | null;
            /** Netwh */
            netWh: number | null;
            /** Plannedbatterywh */
            plannedBatteryWh: number | null;
            /** Plannednetwh */
            plannedNetWh: number | null;
            /** Slot */
            slot: number;
            /** Socbp */
            socBp: number | null;
        };
        /**
         * DecisionAnswer
         * @description A leaf that the court set right: what was posted, what it is, and the cents that a line's account got by it.
         */
        DecisionAnswer: {
            /** By */
            by: string;
            /** Expected */
            expected: string;
            /** Got */
            got: string;
            /** Leaf */
            leaf: number;
            /** Movedcents */
            movedCents: string;
            /** Version */
            version: number;
        };
        /**
         * DemoWallet
         * @description A member's wallet of the demo; the key is public and worthless outside it.
         */
        DemoWallet: {
            /** Address */
            address: string;
            /** Member */
            member: number;
            /** Nameen */
            nameEn: string;
            /** Namezh */
            nameZh: string;
            /** Privatekey */
            privateKey: string;
        };
        /**
         * DemoWallets
         * @description The members' wallets of the demo.
         */
        DemoWallets: {
            /** Wallets */
            wallets: components["schemas"]["DemoWallet"][];
        };
        /**
         * DeviceAnswer
         * @description A device by its address and its DID (did:ethr).
         */
        DeviceAnswer: {
            /** Attested */
            attested: boolean;
            chainStatus: components["schemas"]["ChainStatus"];
            /** Channels */
            channels: components["schemas"]["ChannelAnswer"][];
            /** Device */
            device: string;
            /** Did */
            did: string;
            /** Keys */
            keys: components["schemas"]["KeyAnswer"][];
            /** Owner */
            owner: string;
            /** Ownermember */
            ownerMember: number | null;
            /** Station */
            station: number;
        };
        /**
         * DirectiveAnswer
         * @description A directive and where it stands (protocol 9.15.7).
         */
        DirectiveAnswer: {
            /** Call */
            call: number | null;
            /** Decidedat */
            decidedAt: number | null;
            /** Digest */
            digest: string;
            /** Dispatcher */
            dispatcher: string;
            /** Droop */
            droop: boolean | null;
            /** Endedat */
            endedAt: number | null;
            /** Escalatedat */
            escalatedAt: number | null;
            /** Fetchedat */
            fetchedAt: number | null;
            /** From */
            from: number;
            /** Givenw */
            givenW: number | null;
            /** Issuedat */
            issuedAt: number;
            /** Kind */
            kind: string;
            /** Number */
            number: number;
            /** Plan */
            plan: string;
            /** Powerw */
            powerW: number | null;
            /** Reasons */
            reasons: components["schemas"]["ReasonAnswer"][];
            /** Reservedownw */
            reserveDownW: number | null;
            /** Reserveupw */
            reserveUpW: number | null;
            /** Service */
            service: string | null;
            standing: components["schemas"]["Standing"];
            /** Station */
            station: number;
            /** Takenat */
            takenAt: number;
            /** Until */
            until: number;
        };
        /**
         * DirectiveDetail
         * @description A directive with the dispatcher's message and every answer, so that anyone who may see it can check both.
         */
        DirectiveDetail: {
            /** Answers */
            answers: components["schemas"]["SignedAnswer"][];
            /** Call */
            call: number | null;
            /** Decidedat */
            decidedAt: number | null;
            /** Digest */
            digest: string;
            /** Dispatcher */
            dispatcher: string;
            /** Droop */
            droop: boolean | null;
            /** Endedat */
            endedAt: number | null;
            /** Escalatedat */
            escalatedAt: number | null;
            /** Fetchedat */
            fetchedAt: number | null;
            /** From */
            from: number;
            /** Givenw */
            givenW: number | null;
            /** Issuedat */
            issuedAt: number;
            /** Kind */
            kind: string;
            /** Message */
            message: string;
            /** Number */
            number: number;
            /** Plan */
            plan: string;
            /** Powerw */
            powerW: number | null;
            /** Reasons */
            reasons: components["schemas"]["ReasonAnswer"][];
            /** Reservedownw */
            reserveDownW: number | null;
            /** Reserveupw */
            reserveUpW: number | null;
            /** Service */
            service: string | null;
            standing: components["schemas"]["Standing"];
            /** Station */
            station: number;
            /** Takenat */
            takenAt: number;
            /** Until */
            until: number;
        };
        /**
         * DirectivesTaken
         * @description Directives as they were taken, in the order in which they were sent.
         */
        DirectivesTaken: {
            /** Items */
            items: components["schemas"]["DirectiveAnswer"][];
        };
        /**
         * EdgeRow
         * @description What a station's box follows in a slot.
         */
        EdgeRow: {
            /** Batterywh */
            batteryWh: number;
            /** Netloadwh */
            netLoadWh: number;
            /** Plannednetwh */
            plannedNetWh: number;
            /** Slot */
            slot: number;
        };
        /**
         * EdgeSchedule
         * @description A station's rows of the schedule in force.
         */
        EdgeSchedule: {
            /** Revision */
            revision: number;
            /** Rows */
            rows: components["schemas"]["EdgeRow"][];
            /** Schedule */
            schedule: string;
        };
        /**
         * Ending
         * @description What became of a configuration.
         * @enum {integer}
         */
        Ending: 1 | 2 | 3;
        /**
         * EpochAnswer
         * @description An epoch: what the service closed (null while it only is sealed), and where the chain has its checkpoint.
         */
        EpochAnswer: {
            /** Block */
            block: number | null;
            /** Blockhash */
            blockHash: string | null;
            /** Blocktime */
            blockTime: number | null;
            chainStatus: components["schemas"]["ChainStatus"];
            /** Entriescid */
            entriesCid: string | null;
            /** Epoch */
            epoch: number;
            /** Logindex */
            logIndex: number | null;
            /** Manifest */
            manifest: string | null;
            /** Manifestcid */
            manifestCid: string | null;
            /** Root */
            root: string | null;
            /** Size */
            size: number | null;
        };
        /**
         * ErasureAnswer
         * @description An erasure: what is in closed epochs is gone, the rest goes when `throughEpoch` has closed.
         */
        ErasureAnswer: {
            /** Askedat */
            askedAt: number;
            /** Doneat */
            doneAt: number | null;
            /** Subject */
            subject: number;
            /** Throughepoch */
            throughEpoch: number;
        };
        /**
         * ErasureBody
         * @description An erasure, in words: `erase the evidence of station <n>`; `force` (operator) does not wait for final days.
         */
        ErasureBody: {
            /** Confirm */
            confirm: string;
            /**
             * Force
             * @default false
             */
            force: boolean;
        };
        /**
         * FairnessAnswer
         * @description The fairness report over the instructions issued in a span.
         */
        FairnessAnswer: {
            /** From */
            from: number;
            /** Rows */
            rows: components["schemas"]["FairnessRowAnswer"][];
            /** Spreadbp */
            spreadBp: number;
            /** To */
            to: number;
        };
        /**
         * FairnessRowAnswer
         * @description What a station's calls come to (protocol 9.8.7).
         */
        FairnessRowAnswer: {
            /** Able */
            able: number;
            /** Asked */
            asked: number;
            /** Availablewh */
            availableWh: number;
            /** Called */
            called: number;
            /** Givenbp */
            givenBp: number;
            /** Givenwh */
            givenWh: number;
            /** Millicallspermw */
            millicallsPerMw: number;
            /** Station */
            station: number;
            /** Turns */
            turns: number;
        };
        /**
         * FiguresAnswer
         * @description What is shown beside a member's balance; the savings are estimates from the certified plan, never paid.
         */
        FiguresAnswer: {
            /** Chargedwh */
            chargedWh: number;
            /** Dischargedwh */
            dischargedWh: number;
            /**
             * Estimate
             * @default true
             */
            estimate: boolean;
            /** Feecents */
            feeCents: string;
            /** Leasecents */
            leaseCents: string;
            /** Member */
            member: number;
            /** Netcents */
            netCents: string;
            /** Savingalonecents */
            savingAloneCents: string;
            /** Savingtogethercents */
            savingTogetherCents: string;
        };
        /**
         * FiledAnswer
         * @description A document that was queued for the log.
         */
        FiledAnswer: {
            /** Digest */
            digest: string;
            /** Epoch */
            epoch: number;
            /** Name */
            name: string;
        };
        /**
         * FleetPath
         * @description How the relaxation is solved.
         * @enum {string}
         */
        FleetPath: "fast" | "stamped" | "highs" | "glpk";
        /**
         * GainAnswer
         * @description What a member would pay apart, pays as planned, and gains: estimates from the certified plan.
         */
        GainAnswer: {
            /** Apartcostcents */
            apartCostCents: string;
            /** Gaincents */
            gainCents: string;
            /** Member */
            member: number;
            /** Plannedcostcents */
            plannedCostCents: string;
            /** Withoutstoragecostcents */
            withoutStorageCostCents: string;
        };
        /**
         * GroupBody
         * @description One billing group: a number and its stations.
         */
        GroupBody: {
            /** Group */
            group: number;
            /** Stations */
            stations: number[];
        };
        /**
         * GroupingBody
         * @description The billing groups from a day on.
         */
        GroupingBody: {
            /** Fromday */
            fromDay: string;
            /** Groups */
            groups: components["schemas"]["GroupBody"][];
        };
        /**
         * HeadAnswer
         * @description Where a stream ends: the next reading's number and the last segment's digest; `anchored` once it is on chain.
         */
        HeadAnswer: {
            /** Anchored */
            anchored: boolean;
            /** Channel */
            channel: number;
            /** Digest */
            digest: string;
            /** Nextseq */
            nextSeq: number;
        };
        /**
         * HeadsAnswer
         * @description The ends of a device's streams, by channel.
         */
        HeadsAnswer: {
            /** Items */
            items: components["schemas"]["HeadAnswer"][];
        };
        /**
         * HealthAnswer
         * @description The process answers.
         */
        HealthAnswer: {
            /** Status */
            status: string;
        };
        /**
         * HeardAnswer
         * @description How many answers were taken, and the directives that this service never took.
         */
        HeardAnswer: {
            /** Taken */
            taken: number;
            /** Unknown */
            unknown: string[];
        };
        /** HTTPValidationError */
        HTTPValidationError: {
            /** Detail */
            detail?: components["schemas"]["ValidationError"][];
        };
        /**
         * InclusionAnswer
         * @description That an entry stands in the log (RFC 9162 2.1.3).
         */
        InclusionAnswer: {
            /** Index */
            index: number;
            /** Leaf */
            leaf: string;
            /** Proof */
            proof: string[];
            /** Root */
            root: string;
            /** Size */
            size: number;
        };
        /**
         * InstructionAnswer
         * @description An instruction as it was made.
         */
        InstructionAnswer: {
            /** Call */
            call: number;
            /** Costcentsperhour */
            costCentsPerHour: string;
            record: components["schemas"]["RecordAnswer"];
            /** Region */
            region: number | null;
        };
        /**
         * InstructionBody
         * @description A target for a region (GB/T 2260; its zeros stand for all below), for some stations, or for all.
         */
        InstructionBody: {
            /**
             * Durations
             * @default 900
             */
            durationS: number;
            /** @default fair */
            method: components["schemas"]["Method"];
            /** Parent */
            parent?: string | null;
            /** Region */
            region?: number | null;
            /** Stations */
            stations?: number[] | null;
            /** Targetw */
            targetW: number;
            /** Terms */
            terms?: components["schemas"]["TermsBody"][] | null;
        };
        /**
         * InstructionDetail
         * @description An instruction with the states that the asker may see: its own stations', or all.
         */
        InstructionDetail: {
            /** Call */
            call: number;
            /** Costcentsperhour */
            costCentsPerHour: string;
            obeyed: components["schemas"]["ObeyedAnswer"];
            record: components["schemas"]["RecordAnswer"];
            /** Region */
            region: number | null;
            /** States */
            states: components["schemas"]["StateAnswer"][];
        };
        /**
         * InstructionHeading
         * @description An instruction in a list.
         */
        InstructionHeading: {
            /** Call */
            call: number;
            /** Digest */
            digest: string;
            /** Excluded */
            excluded: number;
            /** Issuedat */
            issuedAt: number;
            method: components["schemas"]["Method"];
            /** Parent */
            parent: string | null;
            /** Region */
            region: number | null;
            /** Shortfallw */
            shortfallW: number;
            /** Stations */
            stations: number;
            /** Targetw */
            targetW: number;
        };
        /**
         * JobAnswer
         * @description How a job fares.
         */
        JobAnswer: {
            /** Error */
            error: string | null;
            /** Halted */
            halted: boolean;
            /** Lastsuccess */
            lastSuccess: number | null;
            /** Lasttick */
            lastTick: number | null;
            /** Name */
            name: string;
        };
        /**
         * KeyAnswer
         * @description A key confirmed for the device; `valid_to` in unix seconds, exclusive.
         */
        KeyAnswer: {
            /** Compromisedsinceepoch */
            compromisedSinceEpoch: number | null;
            /** Frozen */
            frozen: boolean;
            /** Key */
            key: string;
            /** Revoked */
            revoked: boolean;
            /** Validto */
            validTo: string;
        };
        /**
         * LeafProofAnswer
         * @description A leaf of a posted statement and its path to the root that stands on chain.
         */
        LeafProofAnswer: {
            /** Day */
            day: string;
            /** Index */
            index: number;
            /** Leaf */
            leaf: string;
            /** Leafhash */
            leafHash: string;
            /** Proof */
            proof: string[];
            /** Root */
            root: string;
            /** Version */
            version: number;
        };
        /**
         * LeaseAnswer
         * @description A lease of a part of a station; `end_slot` is the first slot in which it does not run any more.
         */
        LeaseAnswer: {
            /** Asks */
            asks: components["schemas"]["AskAnswer"][];
            chainStatus: components["schemas"]["ChainStatus"];
            /** Dayfirstslot */
            dayFirstSlot: number;
            /** Dayslots */
            daySlots: number;
            /** Endedby */
            endedBy: number | null;
            /** Endpricecents */
            endPriceCents: string;
            /** Endslot */
            endSlot: number;
            /** Energywh */
            energyWh: number;
            /** Etacppm */
            etaCPpm: number;
            /** Etadppm */
            etaDPpm: number;
            /** Firstslot */
            firstSlot: number;
            /** Following */
            following: number | null;
            /** Handoverprice */
            handoverPrice: string;
            /** Handoverwh */
            handoverWh: number;
            /** Lease */
            lease: number;
            /** Lessee */
            lessee: number;
            /** Offer */
            offer: number;
            /** Owner */
            owner: number;
            /** Powerw */
            powerW: number;
            /** Rentcents */
            rentCents: string;
            /** Slabp */
            slaBp: number;
            /** Slafactorbp */
            slaFactorBp: number;
            /** Station */
            station: number;
            /** Termslots */
            termSlots: number;
            /** Version */
            version: number;
            /** Wearprice */
            wearPrice: string;
            /** Weekdaymask */
            weekdayMask: number;
        };
        /**
         * LineAnswer
         * @description One transfer of the whole day as it stands: `account` receives the amount from `counterparty`.
         */
        LineAnswer: {
            /** Account */
            account: string;
            /** Amountcents */
            amountCents: string;
            /** Counterparty */
            counterparty: string;
            /** Disputed */
            disputed: boolean;
            /** Evidence */
            evidence: string;
            /** Group */
            group: number;
            /** Index */
            index: number;
            /** Judgedcents */
            judgedCents: string;
            /** Kind */
            kind: string;
            /** Posted */
            posted: components["schemas"]["PostedLineAnswer"][];
            /** Pricecentspermwh */
            priceCentsPerMwh: number;
            /** Quantitywh */
            quantityWh: number;
            /** Slot */
            slot: number;
            /** Subject */
            subject: number;
        };
        /**
         * LiveAnswer
         * @description The last live values of every station, and the service's own time.
         */
        LiveAnswer: {
            /** Stations */
            stations: components["schemas"]["LiveStation"][];
            /** T */
            t: number;
        };
        /**
         * LiveStation
         * @description A station's last live values.
         */
        LiveStation: {
            /** Alarms */
            alarms: string[];
            /** Batterypowerw */
            batteryPowerW: number | null;
            /** Device */
            device: string;
            /** Powerw */
            powerW: number | null;
            /** Setpowerw */
            setPowerW: number | null;
            /** Socbp */
            socBp: number | null;
            /** Station */
            station: number;
            /** Status */
            status: string;
            /** T */
            t: number;
        };
        /**
         * MechanismAnswer
         * @description What offers of one type of station must keep to; metering is `connection` or `battery`.
         */
        MechanismAnswer: {
            /** Maxrentcentsperkwyear */
            maxRentCentsPerKwYear: string;
            /** Maxtermslots */
            maxTermSlots: number;
            /** Metering */
            metering: string;
            /** Minslabp */
            minSlaBp: number;
            /** Offerablebp */
            offerableBp: number;
            /** Pricerule */
            priceRule: string;
            /** Priority */
            priority: number;
            /** Stationtype */
            stationType: string;
        };
        /**
         * MemberAnswer
         * @description A member: its number by order of admission, its account, and where it stands.
         */
        MemberAnswer: {
            /** Address */
            address: string;
            chainStatus: components["schemas"]["ChainStatus"];
            /** Member */
            member: number;
            /** Status */
            status: string;
        };
        /**
         * MemberNames
         * @description What a member is called.
         */
        MemberNames: {
            /** Nameen */
            nameEn: string;
            /** Namezh */
            nameZh: string;
        };
        /**
         * MemberProfileAnswer
         * @description A member's profile.
         */
        MemberProfileAnswer: {
            /** Member */
            member: number;
            /** Nameen */
            nameEn: string;
            /** Namezh */
            nameZh: string;
        };
        /**
         * Method
         * @description How a target is split.
         * @enum {string}
         */
        Method: "fair" | "merit" | "proportional";
        /**
         * NetLoadAnswer
         * @description A day that was filed.
         */
        NetLoadAnswer: {
            /** Day */
            day: string;
            /** Station */
            station: number;
        };
        /**
         * NetLoadBody
         * @description A past day's net load (load − PV) of a station by slot, Wh; positive consumes.
         */
        NetLoadBody: {
            /** Day */
            day: string;
            /** Netloadwh */
            netLoadWh: number[];
        };
        /**
         * NonceAnswer
         * @description What a page needs to compose the message; `issued_at` is the service's time, which may be a simulated one.
         */
        NonceAnswer: {
            /** Chainid */
            chainId: number;
            /** Domain */
            domain: string;
            /** Expiresat */
            expiresAt: number;
            /** Issuedat */
            issuedAt: string;
            /** Nonce */
            nonce: string;
            /** Statement */
            statement: string;
            /** Uri */
            uri: string;
            /** Version */
            version: string;
        };
        /**
         * ObeyedAnswer
         * @description How boxes obey an instruction (protocol 9.15.8): directives by standing; `promisedW` + `missingW` = target.
         */
        ObeyedAnswer: {
            /** Accepted */
            accepted: number;
            /** Done */
            done: number;
            /** Donew */
            doneW: number;
            /** Missingw */
            missingW: number;
            /** Promisedw */
            promisedW: number;
            /** Refused */
            refused: number;
            /** Sent */
            sent: number;
            /** Superseded */
            superseded: number;
            /** Unanswered */
            unanswered: number;
            /** Waiting */
            waiting: number;
        };
        /**
         * OfferAnswer
         * @description What a station's owner offers.
         */
        OfferAnswer: {
            chainStatus: components["schemas"]["ChainStatus"];
            /** Dayfirstslot */
            dayFirstSlot: number;
            /** Dayslots */
            daySlots: number;
            /** Endfeebp */
            endFeeBp: number;
            /** Endnoticeslots */
            endNoticeSlots: number;
            /** Energywh */
            energyWh: number;
            /** Etacppm */
            etaCPpm: number;
            /** Etadppm */
            etaDPpm: number;
            /** Firstslot */
            firstSlot: number;
            /** Handoverprice */
            handoverPrice: string;
            /** Handoverwh */
            handoverWh: number;
            /** Offer */
            offer: number;
            /** Powerw */
            powerW: number;
            /** Priceversion */
            priceVersion: number;
            /** Rentcentsperkwyear */
            rentCentsPerKwYear: string;
            /** Slabp */
            slaBp: number;
            /** Slafactorbp */
            slaFactorBp: number;
            /** Station */
            station: number;
            /** Termslots */
            termSlots: number;
            /** Wearprice */
            wearPrice: string;
            /** Weekdaymask */
            weekdayMask: number;
            /** Withdrawn */
            withdrawn: boolean;
        };
        /**
         * Outcome
         * @description A box's word on a directive.
         * @enum {integer}
         */
        Outcome: 1 | 2 | 3;
        /**
         * PackAnswer
         * @description A rule pack by its name; `unverified` lists the numbers that nobody has checked against their document.
         */
        PackAnswer: {
            /** Content */
            content: string;
            /** Digest */
            digest: string;
            /** Docno */
            docNo: string;
            /** Effectivefrom */
            effectiveFrom: string;
            /** Effectiveto */
            effectiveTo: string | null;
            /** Feebp */
            feeBp: number;
            /** Jurisdiction */
            jurisdiction: string;
            /** Name */
            name: string;
            /** Source */
            source: string;
            /** Tariffclass */
            tariffClass: string;
            /** Unverified */
            unverified: string[];
            /** Verified */
            verified: boolean;
        };
        /** Page[ActAnswer] */
        Page_ActAnswer_: {
            /** Items */
            items: components["schemas"]["ActAnswer"][];
            /** Next */
            next: string | null;
        };
        /** Page[ApplicationAnswer] */
        Page_ApplicationAnswer_: {
            /** Items */
            items: components["schemas"]["ApplicationAnswer"][];
            /** Next */
            next: string | null;
        };
        /** Page[ConfigurationAnswer] */
        Page_ConfigurationAnswer_: {
            /** Items */
            items: components["schemas"]["ConfigurationAnswer"][];
            /** Next */
            next: string | null;
        };
        /** Page[ConflictAnswer] */
        Page_ConflictAnswer_: {
            /** Items */
            items: components["schemas"]["ConflictAnswer"][];
            /** Next */
            next: string | null;
        };
        /** Page[DeviceAnswer] */
        Page_DeviceAnswer_: {
            /** Items */
            items: components["schemas"]["DeviceAnswer"][];
            /** Next */
            next: string | null;
        };
        /** Page[DirectiveAnswer] */
        Page_DirectiveAnswer_: {
            /** Items */
            items: components["schemas"]["DirectiveAnswer"][];
            /** Next */
            next: string | null;
        };
        /** Page[EpochAnswer] */
        Page_EpochAnswer_: {
            /** Items */
            items: components["schemas"]["EpochAnswer"][];
            /** Next */
            next: string | null;
        };
        /** Page[InstructionHeading] */
        Page_InstructionHeading_: {
            /** Items */
            items: components["schemas"]["InstructionHeading"][];
            /** Next */
            next: string | null;
        };
        /** Page[LeaseAnswer] */
        Page_LeaseAnswer_: {
            /** Items */
            items: components["schemas"]["LeaseAnswer"][];
            /** Next */
            next: string | null;
        };
        /** Page[LineAnswer] */
        Page_LineAnswer_: {
            /** Items */
            items: components["schemas"]["LineAnswer"][];
            /** Next */
            next: string | null;
        };
        /** Page[MemberAnswer] */
        Page_MemberAnswer_: {
            /** Items */
            items: components["schemas"]["MemberAnswer"][];
            /** Next */
            next: string | null;
        };
        /** Page[OfferAnswer] */
        Page_OfferAnswer_: {
            /** Items */
            items: components["schemas"]["OfferAnswer"][];
            /** Next */
            next: string | null;
        };
        /** Page[PlanHeadingAnswer] */
        Page_PlanHeadingAnswer_: {
            /** Items */
            items: components["schemas"]["PlanHeadingAnswer"][];
            /** Next */
            next: string | null;
        };
        /** Page[ProposalAnswer] */
        Page_ProposalAnswer_: {
            /** Items */
            items: components["schemas"]["ProposalAnswer"][];
            /** Next */
            next: string | null;
        };
        /** Page[ReadingAnswer] */
        Page_ReadingAnswer_: {
            /** Items */
            items: components["schemas"]["ReadingAnswer"][];
            /** Next */
            next: string | null;
        };
        /** Page[SettlementAnswer] */
        Page_SettlementAnswer_: {
            /** Items */
            items: components["schemas"]["SettlementAnswer"][];
            /** Next */
            next: string | null;
        };
        /** Page[StationAnswer] */
        Page_StationAnswer_: {
            /** Items */
            items: components["schemas"]["StationAnswer"][];
            /** Next */
            next: string | null;
        };
        /**
         * PartyAnswer
         * @description An account's balance over all versions of a day.
         */
        PartyAnswer: {
            /** Account */
            account: string;
            /** Kind */
            kind: string;
            /** Netcents */
            netCents: string;
        };
        /**
         * PlanAnswer
         * @description A job with what came of it.
         */
        PlanAnswer: {
            /** Askedat */
            askedAt: number;
            /** Doneat */
            doneAt: number | null;
            /** Id */
            id: number;
            kind: components["schemas"]["PlanKind"];
            /** Parent */
            parent: number | null;
            problem: components["schemas"]["ProblemAnswer"] | null;
            /** Result */
            result: {
                [key: string]: unknown;
            } | null;
            /** Stage */
            stage: string | null;
            /** Startedat */
            startedAt: number | null;
            state: components["schemas"]["PlanState"];
        };
        /**
         * PlanAsked
         * @description A job that was taken; its address is in `Location`.
         */
        PlanAsked: {
            /** Id */
            id: number;
            state: components["schemas"]["PlanState"];
        };
        /**
         * PlanBody
         * @description A fleet's problem (9.7) or a settled day's (9.3), exactly one of them.
         */
        PlanBody: {
            /** Fleet */
            fleet?: {
                [key: string]: unknown;
            } | null;
            /** Problem */
            problem?: {
                [key: string]: unknown;
            } | null;
            solver?: components["schemas"]["FleetPath"] | null;
            /** Timelimits */
            timeLimitS?: number | null;
            /**
             * V
             * @constant
             */
            v: 1;
        };
        /**
         * PlanHeadingAnswer
         * @description A job in a list.
         */
        PlanHeadingAnswer: {
            /** Askedat */
            askedAt: number;
            /** Doneat */
            doneAt: number | null;
            /** Id */
            id: number;
            kind: components["schemas"]["PlanKind"];
            /** Parent */
            parent: number | null;
            /** Stage */
            stage: string | null;
            /** Startedat */
            startedAt: number | null;
            state: components["schemas"]["PlanState"];
        };
        /**
         * PlanKind
         * @description What a planning job makes.
         * @enum {string}
         */
        PlanKind: "fleet" | "day" | "replan";
        /**
         * PlanState
         * @description Where a planning job is.
         * @enum {string}
         */
        PlanState: "queued" | "running" | "done" | "failed";
        /**
         * PostedLineAnswer
         * @description A line as one version posted it; in a correction the amount is the difference.
         */
        PostedLineAnswer: {
            /** Amountcents */
            amountCents: string;
            /** Leaf */
            leaf: number;
            /** Version */
            version: number;
        };
        /**
         * PriceAnswer
         * @description A group's certified price in a slot.
         */
        PriceAnswer: {
            /** Group */
            group: number;
            /** Poolprice */
            poolPrice: number;
            /** Slot */
            slot: number;
        };
        /**
         * ProblemAnswer
         * @description Why a job failed, as problem+json says it.
         */
        ProblemAnswer: {
            /** Code */
            code: string;
            /** Detail */
            detail: string;
            /** Facts */
            facts: {
                [key: string]: unknown;
            };
            /** Status */
            status: number;
            /** Title */
            title: string;
            /** Type */
            type: string;
        };
        /**
         * ProfilesAnswer
         * @description All profiles.
         */
        ProfilesAnswer: {
            /** Members */
            members: components["schemas"]["MemberProfileAnswer"][];
            /** Stations */
            stations: components["schemas"]["StationProfileAnswer"][];
        };
        /**
         * ProposalAnswer
         * @description A call that a member proposed, and where it stands at the newest block; times in UTC milliseconds.
         */
        ProposalAnswer: {
            /** Ballots */
            ballots: components["schemas"]["BallotAnswer"][];
            /** Call */
            call: string | null;
            chainStatus: components["schemas"]["ChainStatus"];
            /** Contract */
            contract: string | null;
            /** Data */
            data: string;
            /** Description */
            description: string;
            /** Electorate */
            electorate: number;
            /** Executablefrom */
            executableFrom: number | null;
            /** Executableuntil */
            executableUntil: number | null;
            /** Madeat */
            madeAt: number;
            /** Proposal */
            proposal: string;
            /** Proposer */
            proposer: number;
            /** State */
            state: string;
            /** Target */
            target: string;
            /** Votesagainst */
            votesAgainst: number;
            /** Votesfor */
            votesFor: number;
            /** Votingendsat */
            votingEndsAt: number;
        };
        /**
         * ReaderAnswer
         * @description A registered reader and what it may read; `everything` for a regulator, else `subjects` (0: the documents).
         */
        ReaderAnswer: {
            /** Addedat */
            addedAt: number;
            /** Addedby */
            addedBy: string;
            /** Everything */
            everything: boolean;
            /** Fingerprint */
            fingerprint: string;
            /** Grantedthrough */
            grantedThrough: number;
            /** Kind */
            kind: string;
            /** Member */
            member: number | null;
            /** Name */
            name: string;
            /** Publickey */
            publicKey: string;
            /** Subjects */
            subjects: number[];
        };
        /**
         * ReaderBody
         * @description A reader to be registered; `account` is a regulator's wallet, which then may read over this API too.
         */
        ReaderBody: {
            /** Account */
            account?: string | null;
            /**
             * Kind
             * @enum {string}
             */
            kind: "member" | "auditor" | "regulator";
            /** Member */
            member?: number | null;
            /** Name */
            name: string;
            /** Publickey */
            publicKey: string;
        };
        /**
         * ReadingAnswer
         * @description A reading as its device signed it; fields of the other kind of channel are null.
         */
        ReadingAnswer: {
            chainStatus: components["schemas"]["ChainStatus"];
            /** Channel */
            channel: number;
            /** Device */
            device: string;
            /** Epoch */
            epoch: number;
            /** Exportwh */
            exportWh: string;
            /** Flags */
            flags: number;
            /** Id */
            id: string;
            /** Importwh */
            importWh: string;
            /** Kind */
            kind: string;
            /** Powerw */
            powerW: number;
            /** Reactivevar */
            reactiveVar: number | null;
            /** Seq */
            seq: number;
            /** Socbp */
            socBp: number | null;
            /** Sohbp */
            sohBp: number | null;
            /** T */
            t: number;
        };
        /**
         * ReadyAnswer
         * @description Whether the service does its work; `now` is the service's clock, which may be a simulated one.
         */
        ReadyAnswer: {
            /** Headblock */
            headBlock: number | null;
            /** Jobs */
            jobs: components["schemas"]["JobAnswer"][];
            /** Now */
            now: number;
            /** Ready */
            ready: boolean;
        };
        /**
         * ReasonAnswer
         * @description Why a box refused, by its stable name, in both languages.
         */
        ReasonAnswer: {
            /** Code */
            code: string;
            /** En */
            en: string;
            /** Zh */
            zh: string;
        };
        /**
         * RecordAnswer
         * @description The record: all that the split was made from, and the split.
         */
        RecordAnswer: {
            /** Call */
            call: number;
            /** Digest */
            digest: string;
            /** Durations */
            durationS: number;
            /** Id */
            id: string;
            /** Issuedms */
            issuedMs: number;
            method: components["schemas"]["Method"];
            /** Parent */
            parent: string | null;
            /** Seed */
            seed: string;
            /** Shortfallw */
            shortfallW: number;
            /** Staleafterms */
            staleAfterMs: number;
            /** Stations */
            stations: components["schemas"]["RecordRow"][];
            /** Targetw */
            targetW: number;
            /** V */
            v: number;
        };
        /**
         * RecordRow
         * @description What a station could give, what it was told to give, and why no more.
         */
        RecordRow: {
            boundBy: components["schemas"]["Bound"];
            capDownBy: components["schemas"]["Bound"];
            /** Capdownw */
            capDownW: number;
            capUpBy: components["schemas"]["Bound"];
            /** Capupw */
            capUpW: number;
            /** Givenw */
            givenW: number;
            /** Lastturn */
            lastTurn: number;
            /** Price */
            price: number;
            /** Station */
            station: number;
            /** Turn */
            turn: boolean;
            /** Weight */
            weight: number;
        };
        /**
         * RefusalAnswer
         * @description A segment that was not stored; it is kept as evidence under `code`.
         */
        RefusalAnswer: {
            /** Code */
            code: string;
            /** Detail */
            detail: string;
            /** Facts */
            facts: {
                [key: string]: unknown;
            };
            /** Segment */
            segment: string | null;
        };
        /**
         * ReplanBody
         * @description One cycle (9.12) from measured states.
         */
        ReplanBody: {
            /** Beginsms */
            beginsMs: number;
            /** Deviationprice */
            deviationPrice?: number | null;
            /**
             * Endslackppm
             * @default 10000
             */
            endSlackPpm: number;
            /** Issuedms */
            issuedMs?: number | null;
            /**
             * Mostagems
             * @default 300000
             */
            mostAgeMs: number;
            /**
             * Periods
             * @default 0
             */
            periods: number;
            solver?: components["schemas"]["FleetPath"] | null;
            /** @default refuse */
            stale: components["schemas"]["Stale"];
            /** States */
            states: components["schemas"]["StateBody"][];
            /** Timelimits */
            timeLimitS?: number | null;
            /**
             * Unservedprice
             * @default 10000000
             */
            unservedPrice: number;
            /**
             * V
             * @constant
             */
            v: 1;
        };
        /**
         * RevocationAnswer
         * @description A role that a guardian asked to revoke at once; `member` agreed to it, null while nobody has.
         */
        RevocationAnswer: {
            /** Account */
            account: string;
            chainStatus: components["schemas"]["ChainStatus"];
            /** Guardian */
            guardian: string;
            /** Member */
            member: number | null;
            /** Role */
            role: string;
            /** Until */
            until: number | null;
        };
        /**
         * RulePackBody
         * @description A rule pack as its file holds it (`docs/protocol.md` 8.3).
         */
        RulePackBody: {
            /** Pack */
            pack: {
                [key: string]: unknown;
            };
        };
        /**
         * RulingAnswer
         * @description One decision of the rulebook, past or to come: a value (decimal text), a pack (hash) or a type's mechanism.
         */
        RulingAnswer: {
            /** Block */
            block: number;
            /** Fromday */
            fromDay: string;
            /** Kind */
            kind: string;
            /** Name */
            name: string;
            /** Value */
            value: string | null;
        };
        /**
         * RunAnswer
         * @description A run of the planner: what came of it, and why.
         */
        RunAnswer: {
            /** Code */
            code: string;
            /** Day */
            day: string;
            /** Detail */
            detail: string;
            /** Outcome */
            outcome: string;
            /** Revision */
            revision: number;
            /** Schedule */
            schedule: string | null;
            /** T */
            t: number;
        };
        /**
         * SaidBodies
         * @description A box's answers; `device` is the one that signs them.
         */
        SaidBodies: {
            /** Answers */
            answers: components["schemas"]["SaidBody"][];
            /** Device */
            device: string;
        };
        /**
         * SaidBody
         * @description A box's word on a directive, under the EIP-712 signature `Answer(…)`.
         */
        SaidBody: {
            /** Alg */
            alg: number;
            /** Directive */
            directive: string;
            outcome: components["schemas"]["Outcome"];
            /** Reason */
            reason: string;
            /** Signature */
            signature: string;
            /** T */
            t: number;
        };
        /**
         * ScheduleAnswer
         * @description A schedule's heading.
         */
        ScheduleAnswer: {
            anchored: components["schemas"]["AnchoredAnswer"] | null;
            /** Boundcents */
            boundCents: string | null;
            /** Certified */
            certified: boolean;
            /** Certifiedgapppm */
            certifiedGapPpm: number;
            /** Day */
            day: string;
            /** Digest */
            digest: string;
            /** Epoch */
            epoch: number;
            /** Kind */
            kind: string;
            /** Objectivecents */
            objectiveCents: string | null;
            /** Revision */
            revision: number;
        };
        /**
         * ScheduleDetail
         * @description A schedule's heading, prices, and the gains that the asker may see.
         */
        ScheduleDetail: {
            /** Gains */
            gains: components["schemas"]["GainAnswer"][];
            heading: components["schemas"]["ScheduleAnswer"];
            /** Prices */
            prices: components["schemas"]["PriceAnswer"][];
        };
        /**
         * ServiceAnswer
         * @description What clients must know of this service beside the deployment.
         */
        ServiceAnswer: {
            /** Acknowledger */
            acknowledger: string;
            /** Alliance */
            alliance: string;
            /** Chainid */
            chainId: number;
            /** Epochseconds */
            epochSeconds: number;
            /** Finalityblocks */
            finalityBlocks: number;
            /** Lockstep */
            lockstep: boolean;
            /** Now */
            now: number;
            /** Settlementgraceminutes */
            settlementGraceMinutes: number;
        };
        /**
         * SessionAnswer
         * @description An open session; `member` is null for a wallet that is not (or not yet) a member.
         */
        SessionAnswer: {
            /** Address */
            address: string;
            /** Expiresat */
            expiresAt: number;
            /** Member */
            member: number | null;
            /** Token */
            token: string;
        };
        /**
         * SettlementAnswer
         * @description A settled day: how firmly it stands, who receives and pays what; the nets of all parties sum to 0.
         */
        SettlementAnswer: {
            /** Day */
            day: string;
            /** Decisions */
            decisions: components["schemas"]["DecisionAnswer"][];
            /** Finalats */
            finalAtS: number | null;
            /** Parties */
            parties: components["schemas"]["PartyAnswer"][];
            /** Provisionalslots */
            provisionalSlots: number;
            /** Root */
            root: string;
            /** Standing */
            standing: string;
            /** Version */
            version: number;
            /** Versions */
            versions: components["schemas"]["VersionAnswer"][];
            /** Voidedupto */
            voidedUpTo: number;
        };
        /**
         * SignedAnswer
         * @description A box's word as it signed it.
         */
        SignedAnswer: {
            /** Alg */
            alg: number;
            /** Device */
            device: string;
            /** Heardat */
            heardAt: number;
            outcome: components["schemas"]["Outcome"];
            /** Reason */
            reason: string;
            /** Signature */
            signature: string;
            /** Signer */
            signer: string;
            /** T */
            t: number;
        };
        /**
         * SignedSegmentAnswer
         * @description A signed segment without what it covers; times in UTC ms.
         */
        SignedSegmentAnswer: {
            /** Alg */
            alg: number;
            /** Beaconblock */
            beaconBlock: number;
            /** Beaconhash */
            beaconHash: string;
            /** Channel */
            channel: number;
            /** Count */
            count: number;
            /** Device */
            device: string;
            /** Digest */
            digest: string;
            /** Firstseq */
            firstSeq: number;
            /** Prev */
            prev: string;
            /** Root */
            root: string;
            /** Signature */
            signature: string;
            /** Signer */
            signer: string;
            /** Tfirst */
            tFirst: number;
            /** Tlast */
            tLast: number;
        };
        /**
         * SignInRequest
         * @description An EIP-4361 message exactly as it was signed, and the wallet's signature.
         *
         *     65 bytes of a key, or whatever an account that is a contract takes (EIP-1271).
         */
        SignInRequest: {
            /** Message */
            message: string;
            /** Signature */
            signature: string;
        };
        /**
         * Stale
         * @description What is done with a station whose measurement is too old or missing.
         * @enum {string}
         */
        Stale: "refuse" | "hold" | "zero";
        /**
         * Standing
         * @description Where a directive stands.
         * @enum {string}
         */
        Standing: "waiting" | "accepted" | "refused" | "done" | "superseded" | "unanswered";
        /**
         * StateAnswer
         * @description The ratings and the measured state that a station's caps follow from (protocol 9.8.2).
         */
        StateAnswer: {
            /** Batterypowerw */
            batteryPowerW: number;
            /** Capacitywh */
            capacityWh: number;
            /** Chargepowerw */
            chargePowerW: number;
            /** Dischargepowerw */
            dischargePowerW: number;
            /** Etacppm */
            etaCPpm: number;
            /** Etadppm */
            etaDPpm: number;
            /** Pccexportw */
            pccExportW: number;
            /** Pccimportw */
            pccImportW: number;
            /** Powerw */
            powerW: number;
            /** Socbp */
            socBp: number;
            /** Socmaxbp */
            socMaxBp: number;
            /** Socminbp */
            socMinBp: number;
            /** Station */
            station: number;
            /** Tms */
            tMs: number;
        };
        /**
         * StateBody
         * @description What was measured at a station of the fleet.
         */
        StateBody: {
            /** Chargew */
            chargeW?: number | null;
            /** Dischargew */
            dischargeW?: number | null;
            /** Energywh */
            energyWh: number;
            /** Measuredms */
            measuredMs: number;
            /** Netloadwh */
            netLoadWh?: number[] | null;
            /** Station */
            station: number;
        };
        /**
         * StationAnswer
         * @description A station's registered rating; all powers are magnitudes in W, energies in Wh.
         */
        StationAnswer: {
            /** Capacitywh */
            capacityWh: number;
            chainStatus: components["schemas"]["ChainStatus"];
            /** Changeasked */
            changeAsked: boolean;
            /** Chargepowerw */
            chargePowerW: number;
            /** Dischargepowerw */
            dischargePowerW: number;
            /** Owner */
            owner: number;
            /** Owneraddress */
            ownerAddress: string;
            /** Pccexportw */
            pccExportW: number;
            /** Pccimportw */
            pccImportW: number;
            /** Region */
            region: number;
            /** Safetyagreement */
            safetyAgreement: string | null;
            /** Station */
            station: number;
            /** Stationtype */
            stationType: string;
        };
        /**
         * StationProfileAnswer
         * @description A station's profile.
         */
        StationProfileAnswer: {
            /** Etacppm */
            etaCPpm: number;
            /** Etadppm */
            etaDPpm: number;
            /** Latitudee5 */
            latitudeE5: number;
            /** Longitudee5 */
            longitudeE5: number;
            /** Nameen */
            nameEn: string;
            /** Namezh */
            nameZh: string;
            /** Ownneedbp */
            ownNeedBp: number;
            /** Socmaxbp */
            socMaxBp: number;
            /** Socminbp */
            socMinBp: number;
            /** Station */
            station: number;
            /** Wearprice */
            wearPrice: number;
        };
        /**
         * StationProfileBody
         * @description What a station is called, where it stands, and how it may be planned; efficiencies are one-way.
         */
        StationProfileBody: {
            /** Etacppm */
            etaCPpm: number;
            /** Etadppm */
            etaDPpm: number;
            /** Latitudee5 */
            latitudeE5: number;
            /** Longitudee5 */
            longitudeE5: number;
            /** Nameen */
            nameEn: string;
            /** Namezh */
            nameZh: string;
            /** Ownneedbp */
            ownNeedBp: number;
            /** Socmaxbp */
            socMaxBp: number;
            /** Socminbp */
            socMinBp: number;
            /** Wearprice */
            wearPrice: number;
        };
        /**
         * SubjectBody
         * @description A station's number, or 0 for the alliance's documents.
         */
        SubjectBody: {
            /** Subject */
            subject: number;
        };
        /**
         * SuccessorAnswer
         * @description Who takes over from a contract; `contract` is its name, or its role's hash.
         */
        SuccessorAnswer: {
            /** Contract */
            contract: string;
            /** Successor */
            successor: string;
        };
        /**
         * TariffAnswer
         * @description A day's tariff and the pack that it comes from.
         */
        TariffAnswer: {
            /** Day */
            day: string;
            pack: components["schemas"]["PackAnswer"];
            /** Slots */
            slots: components["schemas"]["TariffSlotAnswer"][];
        };
        /**
         * TariffSlotAnswer
         * @description A slot's prices, cents per MWh.
         */
        TariffSlotAnswer: {
            /** Buyprice */
            buyPrice: number;
            /** Networkprice */
            networkPrice: number;
            /** Sellprice */
            sellPrice: number;
            /** Slot */
            slot: number;
        };
        /**
         * TermsBody
         * @description A station's weight and price in one instruction, in place of what its rating and its owner's profile say.
         */
        TermsBody: {
            /** Price */
            price?: number | null;
            /** Station */
            station: number;
            /** Weight */
            weight?: number | null;
        };
        /**
         * TextAnswer
         * @description A text and the SHA-256 of its UTF-8, which is what stands on chain.
         */
        TextAnswer: {
            /** Hash */
            hash: string;
            /** Text */
            text: string | null;
        };
        /**
         * TextBody
         * @description A text for all to read.
         */
        TextBody: {
            /** Text */
            text: string;
        };
        /**
         * ToldAnswer
         * @description How many answers were taken, and the configurations that this service never took for the device's stations.
         */
        ToldAnswer: {
            /** Taken */
            taken: number;
            /** Unknown */
            unknown: string[];
        };
        /**
         * ToldBodies
         * @description A box's answers; `device` is the one that signs them.
         */
        ToldBodies: {
            /** Answers */
            answers: components["schemas"]["ToldBody"][];
            /** Device */
            device: string;
        };
        /**
         * ToldBody
         * @description A box's word on a configuration, under the EIP-712 signature `ConfigurationAnswer(…)`.
         */
        ToldBody: {
            /** Alg */
            alg: number;
            /** Configuration */
            configuration: string;
            /** Number */
            number: number;
            outcome: components["schemas"]["Ending"];
            /** Reason */
            reason: string;
            /** Signature */
            signature: string;
            /** T */
            t: number;
        };
        /**
         * UploadAnswer
         * @description What became of an upload's segments.
         */
        UploadAnswer: {
            /** Acks */
            acks: components["schemas"]["AckAnswer"][];
            /** Refused */
            refused: components["schemas"]["RefusalAnswer"][];
        };
        /** ValidationError */
        ValidationError: {
            /** Context */
            ctx?: Record<string, never>;
            /** Input */
            input?: unknown;
            /** Location */
            loc: (string | number)[];
            /** Message */
            msg: string;
            /** Error Type */
            type: string;
        };
        /**
         * VersionAnswer
         * @description One statement of a day, and where it stands on chain.
         */
        VersionAnswer: {
            /** Leafcount */
            leafCount: number;
            /** Logepoch */
            logEpoch: number;
            /** Made */
            made: number;
            /** Postedats */
            postedAtS: number | null;
            /** Postedblock */
            postedBlock: number | null;
            /** Root */
            root: string;
            /** Statement */
            statement: string;
            /** Version */
            version: number;
        };
        /**
         * VotingAnswer
         * @description How the charter decides: times in seconds, shares in basis points.
         */
        VotingAnswer: {
            /** Delayseconds */
            delaySeconds: number;
            /** Graceseconds */
            graceSeconds: number;
            /** Majoritybp */
            majorityBp: number;
            /** Quorumbp */
            quorumBp: number;
            /** Votingseconds */
            votingSeconds: number;
        };
        /**
         * WhoAnswer
         * @description Who is signed in.
         */
        WhoAnswer: {
            /** Address */
            address: string | null;
            /** Dispatcher */
            dispatcher: boolean;
            /** Member */
            member: number | null;
            /** Operator */
            operator: boolean;
            /** Regulator */
            regulator: boolean;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    grant_grants__fingerprint___epoch__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                epoch: number;
                fingerprint: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/vnd.ipld.dag-cbor": unknown;
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    healthz_healthz_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthAnswer"];
                };
            };
        };
    };
    block_ipfs__cid__get: {
        parameters: {
            query?: {
                "dag-scope"?: string;
                format?: string | null;
            };
            header?: never;
            path: {
                cid: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/vnd.ipld.raw": unknown;
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    checkpoint_log_checkpoint_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": unknown;
                };
            };
        };
    };
    proof_log_proof__index__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                index: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": unknown;
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    tile_log_tile__path__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                path: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    vkey_log_vkey_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": unknown;
                };
            };
        };
    };
    readyz_readyz_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReadyAnswer"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReadyAnswer"];
                };
            };
        };
    };
    applications_v1_applications_get: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string | null;
                /** @description items a page */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_ApplicationAnswer_"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    beacon_v1_beacon_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BeaconAnswer"];
                };
            };
        };
    };
    charter_v1_charter_get: {
        parameters: {
            query?: {
                day?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CharterAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    configurations_v1_configurations_get: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string | null;
                /** @description items a page */
                limit?: number;
                station?: number | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_ConfigurationAnswer_"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    configure_v1_configurations_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/vnd.ipld.dag-cbor": string;
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigurationsTaken"];
                };
            };
        };
    };
    configured_v1_configurations_answers_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ToldBodies"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ToldAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    alliance_curve_v1_curve_get: {
        parameters: {
            query?: {
                day?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CurveAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    wallets_v1_demo_wallets_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DemoWallets"];
                };
            };
        };
    };
    pinned_v1_deployment_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
        };
    };
    devices_v1_devices_get: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string | null;
                /** @description items a page */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_DeviceAnswer_"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    directives_v1_directives_get: {
        parameters: {
            query?: {
                /** @description of this instruction */
                call?: number | null;
                /** @description `next` of the page before */
                cursor?: string | null;
                /** @description items a page */
                limit?: number;
                state?: components["schemas"]["Standing"] | null;
                station?: number | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_DirectiveAnswer_"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    send_v1_directives_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/vnd.ipld.dag-cbor": string;
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DirectivesTaken"];
                };
            };
        };
    };
    directive_v1_directives__directive__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                directive: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DirectiveDetail"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    answer_v1_directives_answers_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SaidBodies"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HeardAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    epochs_v1_epochs_get: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string | null;
                /** @description items a page */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_EpochAnswer_"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    file_grouping_v1_groupings_post: {
        parameters: {
            query?: never;
            header: {
                /** @description repeat it to repeat the answer */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GroupingBody"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FiledAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    instructions_v1_instructions_get: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string | null;
                /** @description items a page */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_InstructionHeading_"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    instruct_v1_instructions_post: {
        parameters: {
            query?: never;
            header: {
                /** @description repeat it to repeat the answer */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InstructionBody"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InstructionAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    instruction_v1_instructions__instruction__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                instruction: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InstructionDetail"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    fairness_v1_instructions_fairness_get: {
        parameters: {
            query?: {
                /** @description UTC ms, included */
                from?: number;
                /** @description UTC ms, excluded */
                to?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FairnessAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    leases_v1_leases_get: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string | null;
                /** @description items a page */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_LeaseAnswer_"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    live_v1_live_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LiveAnswer"];
                };
            };
        };
    };
    show_v1_live_post: {
        parameters: {
            query?: never;
            header: {
                /** @description <alg>:<hex> over Live(device, t, keccak256(body)) */
                "alliance-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * Alarms
                     * @default []
                     */
                    alarms?: string[];
                    /** Batterypowerw */
                    batteryPowerW: number | null;
                    /** Device */
                    device: string;
                    /** Powerw */
                    powerW: number | null;
                    /** Setpowerw */
                    setPowerW?: number | null;
                    /** Socbp */
                    socBp: number | null;
                    /** Stationid */
                    stationId: number;
                    /** Status */
                    status: string;
                    /** T */
                    t: number;
                };
            };
        };
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    consistency_v1_log_consistency_get: {
        parameters: {
            query: {
                new?: number | null;
                old: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConsistencyAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    inclusion_v1_log_inclusion_get: {
        parameters: {
            query: {
                index: number;
                size?: number | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InclusionAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    members_v1_members_get: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string | null;
                /** @description items a page */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_MemberAnswer_"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    put_member_v1_members__member__profile_put: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                member: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MemberNames"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MemberProfileAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    offers_v1_offers_get: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string | null;
                /** @description items a page */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_OfferAnswer_"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    plan_runs_v1_plan_runs_get: {
        parameters: {
            query?: {
                day?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunAnswer"][];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    plans_v1_plans_get: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string | null;
                /** @description items a page */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_PlanHeadingAnswer_"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    plan_v1_plans_post: {
        parameters: {
            query?: never;
            header: {
                /** @description repeat it to repeat the answer */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PlanBody"];
            };
        };
        responses: {
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PlanAsked"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    one_plan_v1_plans__plan__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                plan: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PlanAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    replan_v1_plans__plan__replans_post: {
        parameters: {
            query?: never;
            header: {
                /** @description repeat it to repeat the answer */
                "Idempotency-Key": string;
            };
            path: {
                plan: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReplanBody"];
            };
        };
        responses: {
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PlanAsked"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    profiles_v1_profiles_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProfilesAnswer"];
                };
            };
        };
    };
    proposals_v1_proposals_get: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string | null;
                /** @description items a page */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_ProposalAnswer_"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    proposal_v1_proposals__proposal__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                proposal: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProposalAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    readers_v1_readers_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReaderAnswer"][];
                };
            };
        };
    };
    register_v1_readers_post: {
        parameters: {
            query?: never;
            header: {
                /** @description repeat it to repeat the answer */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReaderBody"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReaderAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    remove_v1_readers__fingerprint__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                fingerprint: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    give_v1_readers__fingerprint__subjects_post: {
        parameters: {
            query?: never;
            header: {
                /** @description repeat it to repeat the answer */
                "Idempotency-Key": string;
            };
            path: {
                fingerprint: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SubjectBody"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReaderAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    take_back_v1_readers__fingerprint__subjects__subject__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                fingerprint: string;
                subject: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    trail_v1_readers_trail_get: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string | null;
                /** @description items a page */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_ActAnswer_"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    export_v1_readers_trail_csv_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/csv": unknown;
                };
            };
        };
    };
    readings_v1_readings_get: {
        parameters: {
            query: {
                /** @description 1 the meter, 2 the battery */
                channel?: number;
                /** @description `next` of the page before */
                cursor?: string | null;
                /** @description UTC ms, included */
                from?: number;
                /** @description items a page */
                limit?: number;
                station: number;
                /** @description UTC ms, excluded */
                to?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_ReadingAnswer_"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    receipt_of_v1_readings__name__receipt_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    rule_packs_v1_rule_packs_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PackAnswer"][];
                };
            };
        };
    };
    file_pack_v1_rule_packs_post: {
        parameters: {
            query?: never;
            header: {
                /** @description repeat it to repeat the answer */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RulePackBody"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FiledAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    schedules_v1_schedules_get: {
        parameters: {
            query?: {
                day?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ScheduleAnswer"][];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    schedule_v1_schedules__schedule__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                schedule: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ScheduleDetail"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    upload_v1_segments_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/vnd.ipld.dag-cbor": string;
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UploadAnswer"];
                };
            };
        };
    };
    conflicts_v1_segments_conflicts_get: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string | null;
                /** @description items a page */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_ConflictAnswer_"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    heads_v1_segments_heads__device__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                device: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HeadsAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    service_v1_service_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceAnswer"];
                };
            };
        };
    };
    who_v1_session_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WhoAnswer"];
                };
            };
        };
    };
    sign_in_v1_session_post: {
        parameters: {
            query?: never;
            header: {
                /** @description repeat it to repeat the answer */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SignInRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    sign_out_v1_session_delete: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    nonce_v1_session_nonce_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NonceAnswer"];
                };
            };
        };
    };
    settlements_v1_settlements_get: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string | null;
                /** @description items a page */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_SettlementAnswer_"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    settlement_v1_settlements__day__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                day: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettlementAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    leaf_proof_v1_settlements__day___version__leaves__index__proof_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                day: string;
                index: number;
                version: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LeafProofAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    day_figures_v1_settlements__day__figures_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                day: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FiguresAnswer"][];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    lines_v1_settlements__day__lines_get: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string | null;
                /** @description items a page */
                limit?: number;
            };
            header?: never;
            path: {
                day: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_LineAnswer_"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    stations_v1_stations_get: {
        parameters: {
            query?: {
                /** @description `next` of the page before */
                cursor?: string | null;
                /** @description items a page */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_StationAnswer_"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    station_v1_stations__station__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                station: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StationAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    configuration_for_box_v1_stations__station__configuration_get: {
        parameters: {
            query?: {
                after?: number;
            };
            header?: {
                /** @description <device>:<t>:<alg>:<hex> over Ask(device, t, keccak256(path with query)) */
                "alliance-ask"?: string;
            };
            path: {
                station: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/vnd.ipld.dag-cbor": string;
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    station_curve_v1_stations__station__curve_get: {
        parameters: {
            query?: {
                day?: string | null;
            };
            header?: never;
            path: {
                station: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CurveAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    for_box_v1_stations__station__directives_get: {
        parameters: {
            query?: {
                after?: number;
            };
            header?: {
                /** @description <device>:<t>:<alg>:<hex> over Ask(device, t, keccak256(path with query)) */
                "alliance-ask"?: string;
            };
            path: {
                station: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/vnd.ipld.dag-cbor": string;
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    erase_v1_stations__station__erasure_post: {
        parameters: {
            query?: never;
            header: {
                /** @description repeat it to repeat the answer */
                "Idempotency-Key": string;
            };
            path: {
                station: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ErasureBody"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErasureAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    file_history_v1_stations__station__history_post: {
        parameters: {
            query?: never;
            header: {
                /** @description repeat it to repeat the answer */
                "Idempotency-Key": string;
            };
            path: {
                station: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NetLoadBody"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NetLoadAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    station_profile_v1_stations__station__profile_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                station: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StationProfileAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    put_station_v1_stations__station__profile_put: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                station: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["StationProfileBody"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StationProfileAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    station_schedule_v1_stations__station__schedule_get: {
        parameters: {
            query?: {
                day?: string | null;
            };
            header?: never;
            path: {
                station: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EdgeSchedule"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    tariff_v1_tariff_get: {
        parameters: {
            query?: {
                day?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TariffAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    file_v1_texts_post: {
        parameters: {
            query?: never;
            header: {
                /** @description repeat it to repeat the answer */
                "Idempotency-Key": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TextBody"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TextAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    read_v1_texts__hashed__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                hashed: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TextAnswer"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
}
