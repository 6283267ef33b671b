"""The families of this year: what their models read, word for word as published."""

from tests.fakes.family import Family

THIS_YEAR = (
    Family(
        "qwen3.8",
        "qwen35",
        # Qwen: chat template of Qwen/Qwen3.8-27B
        published=(
            "<|im_start|>system\nReasoning effort is set to xhigh. Please think carefully through the task, "
            "validate key assumptions, consider plausible alternatives, and prioritize correctness, consistency, "
            "and clarity in the final answer.\n\nYou are a careful assistant.<|im_end|>\n<|im_start|>user\n"
            "What is a ledger?<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\nA book of records.<|im_end|>"
            "\n<|im_start|>user\nWho keeps it?<|im_end|>\n<|im_start|>assistant\n<think>\n"
        ),
        alone=(
            "<|im_start|>system\nReasoning effort is set to xhigh. Please think carefully through the task, "
            "validate key assumptions, consider plausible alternatives, and prioritize correctness, consistency, "
            "and clarity in the final answer.<|im_end|>\n<|im_start|>user\nWhat is a ledger?<|im_end|>\n"
            "<|im_start|>assistant\n<think>\n"
        ),
        bos="<|endoftext|>",
        eos="<|im_end|>",
        controls=(
            "<|im_start|>",
            "<|im_end|>",
        ),
        add_bos=False,
    ),
    Family(
        "muse-glimmer",
        "llama4",
        # Meta: chat template of meta-models/Muse-Glimmer-30B
        published=(
            "<|begin_of_text|><|start|>system<|message|>You are a careful assistant.\n\nReasoning strength: "
            'high.\n\n# Valid recipients: "self", "user".<|eot|><|start|>user<|message|>What is a ledger?<|eot|>'
            "<|start|>assistant to=user<|message|>A book of records.<|eot|><|start|>user<|message|>Who "
            "keeps it?<|eot|><|start|>assistant"
        ),
        alone=(
            "<|begin_of_text|><|start|>system<|message|>You are a helpful AI assistant.\nKnowledge cutoff: "
            "2026-01-04.\nCurrent date: <today %Y-%m-%d>.\n\nReasoning strength: high.\n\n# Valid recipients: "
            '"self", "user".<|eot|><|start|>user<|message|>What is a ledger?<|eot|><|start|>assistant'
        ),
        bos="<|begin_of_text|>",
        eos="<|end_of_text|>",
        controls=(
            "<|start|>",
            "<|message|>",
            "<|eot|>",
            "<|eom|>",
        ),
    ),
    Family(
        "granite-4.1",
        "dbrx",
        # IBM: chat template of ibm-granite/granite-4.1
        published=(
            "<|start_of_role|>system<|end_of_role|>You are a careful assistant.<|end_of_text|>\n<|start_of_role|>"
            "user<|end_of_role|>What is a ledger?<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>"
            "A book of records.<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>Who keeps it?<|end_of_text|>"
            "\n<|start_of_role|>assistant<|end_of_role|>"
        ),
        alone=(
            "<|start_of_role|>user<|end_of_role|>What is a ledger?<|end_of_text|>\n<|start_of_role|>assistant<|end_of"
            "_role|>"
        ),
        bos="<|end_of_text|>",
        eos="<|end_of_text|>",
        controls=(
            "<|start_of_role|>",
            "<|end_of_role|>",
        ),
        add_bos=False,
    ),
    Family(
        "granite-4.2",
        "dbrx",
        # IBM: chat template of ibm-granite/granite-4.2-3b
        published=(
            "<|im_start|>system\nYou are a careful assistant.<|im_end|>\n<|im_start|>user\nWhat is a ledger?<|im_end|"
            ">\n<|im_start|>assistant\n<think></think>A book of records.<|im_end|>\n<|im_start|>user\nWho "
            "keeps it?<|im_end|>\n<|im_start|>assistant\n<think>\n"
        ),
        alone=(
            "<|im_start|>system\n<|im_end|>\n<|im_start|>user\nWhat is a ledger?<|im_end|>\n<|im_start|>"
            "assistant\n<think>\n"
        ),
        bos="<|end_of_text|>",
        eos="<|im_end|>",
        controls=(
            "<|im_start|>",
            "<|im_end|>",
        ),
        add_bos=False,
    ),
    Family(
        "nemotron-3",
        "pixtral",
        # NVIDIA: chat template of nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16
        published=(
            "<|im_start|>system\nYou are a careful assistant.<|im_end|>\n<|im_start|>user\nWhat is a ledger?<|im_end|"
            ">\n<|im_start|>assistant\n<think></think>A book of records.<|im_end|>\n<|im_start|>user\nWho "
            "keeps it?<|im_end|>\n<|im_start|>assistant\n<think>\n"
        ),
        alone=(
            "<|im_start|>system\n<|im_end|>\n<|im_start|>user\nWhat is a ledger?<|im_end|>\n<|im_start|>"
            "assistant\n<think>\n"
        ),
        bos="<s>",
        eos="<|im_end|>",
        controls=(
            "<|im_start|>",
            "<|im_end|>",
            "</s>",
        ),
        add_bos=False,
    ),
    Family(
        "glm-4.5",
        "glm4",
        # Z.ai: chat template of zai-org/GLM-4.6
        published=(
            "[gMASK]<sop><|system|>\nYou are a careful assistant.<|user|>\nWhat is a ledger?<|assistant|>"
            "\n<think></think>\nA book of records.<|user|>\nWho keeps it?<|assistant|>"
        ),
        bos="[gMASK]",
        eos="<|endoftext|>",
        controls=(
            "<sop>",
            "<|system|>",
            "<|user|>",
            "<|assistant|>",
            "<|observation|>",
        ),
        add_bos=False,
    ),
    Family(
        "glm-4.7",
        "glm4",
        # Z.ai: chat template of zai-org/GLM-4.7-Flash
        published=(
            "[gMASK]<sop><|system|>You are a careful assistant.<|user|>What is a ledger?<|assistant|></think>"
            "A book of records.<|user|>Who keeps it?<|assistant|><think>"
        ),
        bos="[gMASK]",
        eos="<|endoftext|>",
        controls=(
            "<sop>",
            "<|system|>",
            "<|user|>",
            "<|assistant|>",
            "<|observation|>",
        ),
        add_bos=False,
    ),
    Family(
        "deepseek-v4",
        "joyai-llm",
        # DeepSeek: chat template of DeepSeek V4
        published=(
            "<｜begin▁of▁sentence｜>You are a careful assistant.<｜User｜>What is a ledger?<｜Assistant｜></think>"
            "A book of records.<｜end▁of▁sentence｜><｜User｜>Who keeps it?<｜Assistant｜></think>"
        ),
        bos="<｜begin▁of▁sentence｜>",
        eos="<｜end▁of▁sentence｜>",
        controls=("<｜User｜>", "<｜Assistant｜>"),
        add_bos=False,
    ),
    Family(
        "glm-5.3",
        "glm4",
        # Z.ai: chat template of zai-org/GLM-5.3-Flash
        published=(
            "[gMASK]<sop><|system|>Reasoning Effort: Max<|system|>You are a careful assistant.<|user|>"
            "What is a ledger?<|assistant|><think></think>A book of records.<|user|>Who keeps it?<|assistant|><think>"
        ),
        alone="[gMASK]<sop><|system|>Reasoning Effort: Max<|user|>What is a ledger?<|assistant|><think>",
        bos="[gMASK]",
        eos="<|endoftext|>",
        controls=("<sop>", "<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"),
        add_bos=False,
    ),
    Family(
        "minicpm5",
        "minicpm5",
        # OpenBMB: chat template of openbmb/MiniCPM5-1B
        published=(
            "<s><|im_start|>system\nYou are a careful assistant.<|im_end|>\n<|im_start|>user\nWhat is a "
            "ledger?<|im_end|>\n<|im_start|>assistant\nA book of records.<|im_end|>\n<|im_start|>user\n"
            "Who keeps it?<|im_end|>\n<|im_start|>assistant\n"
        ),
        bos="<s>",
        eos="<|im_end|>",
        controls=(
            "<|im_start|>",
            "<|im_end|>",
            "</s>",
        ),
    ),
    Family(
        "minimax-m2",
        "minimax-m2",
        # MiniMax: chat template of MiniMaxAI/MiniMax-M2
        published=(
            "]~!b[]~b]system\nYou are a careful assistant.[e~[\n]~b]user\nWhat is a ledger?[e~[\n]~b]ai\n"
            "A book of records.[e~[\n]~b]user\nWho keeps it?[e~[\n]~b]ai\n<think>\n"
        ),
        alone=("]~!b[]~b]system\nYou are a helpful assistant.[e~[\n]~b]user\nWhat is a ledger?[e~[\n]~b]ai\n<think>\n"),
        bos="]~!b[",
        eos="[e~[",
        controls=("]~b]",),
        add_bos=False,
    ),
    Family(
        "mistral-v15",
        "tekken",
        # Mistral AI: the template that mistral-common 1.13.1 builds for version 15
        published=(
            '<s>[SYSTEM_PROMPT]You are a careful assistant.[/SYSTEM_PROMPT][MODEL_SETTINGS]{"reasoning_effort": '
            '"none"}[/MODEL_SETTINGS][INST]What is a ledger?[/INST]A book of records.</s>[INST]Who keeps '
            "it?[/INST]"
        ),
        alone=('<s>[MODEL_SETTINGS]{"reasoning_effort": "none"}[/MODEL_SETTINGS][INST]What is a ledger?[/INST]'),
        bos="<s>",
        eos="</s>",
        controls=(
            "[SYSTEM_PROMPT]",
            "[/SYSTEM_PROMPT]",
            "[MODEL_SETTINGS]",
            "[/MODEL_SETTINGS]",
            "[INST]",
            "[/INST]",
        ),
    ),
)
