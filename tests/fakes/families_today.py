"""Today's families: what their models read, word for word as their publishers write it."""

from tests.fakes.families_open import OPEN
from tests.fakes.families_this_year import THIS_YEAR
from tests.fakes.family import Family

TODAY = (
    *OPEN,
    *THIS_YEAR,
    Family(
        "qwen3",
        "qwen2",
        # Qwen: chat template of Qwen/Qwen3-0.6B
        published=(
            "<|im_start|>system\nYou are a careful assistant.<|im_end|>\n<|im_start|>user\nWhat is a ledger?"
            "<|im_end|>\n<|im_start|>assistant\nA book of records.<|im_end|>\n<|im_start|>user\nWho keeps it?"
            "<|im_end|>\n<|im_start|>assistant\n"
        ),
        bos="<|endoftext|>",
        eos="<|im_end|>",
        controls=("<|im_start|>", "<|im_end|>"),
        add_bos=False,
    ),
    Family(
        "qwen3-think",
        "qwen2",
        # Qwen: chat template of Qwen/Qwen3.5-4B
        published=(
            "<|im_start|>system\nYou are a careful assistant.<|im_end|>\n<|im_start|>user\nWhat is a ledger?"
            "<|im_end|>\n<|im_start|>assistant\nA book of records.<|im_end|>\n<|im_start|>user\nWho keeps it?"
            "<|im_end|>\n<|im_start|>assistant\n<think>\n"
        ),
        bos="<|endoftext|>",
        eos="<|im_end|>",
        controls=("<|im_start|>", "<|im_end|>"),
        add_bos=False,
    ),
    Family(
        "qwen3.5-small",
        "qwen2",
        # Qwen: chat template of Qwen/Qwen3.5-0.8B
        published=(
            "<|im_start|>system\nYou are a careful assistant.<|im_end|>\n<|im_start|>user\nWhat is a ledger?"
            "<|im_end|>\n<|im_start|>assistant\nA book of records.<|im_end|>\n<|im_start|>user\nWho keeps it?"
            "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
        ),
        bos="<|endoftext|>",
        eos="<|im_end|>",
        controls=("<|im_start|>", "<|im_end|>"),
        add_bos=False,
    ),
    Family(
        "llama-3",
        "llama-bpe",
        # Meta, github.com/meta-llama/llama-models: models/llama3_2/text_prompt_format.md
        published=(
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nYou are a careful assistant.<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nWhat is a ledger?<|eot_id|><|start_header_id|>assistant"
            "<|end_header_id|>\n\nA book of records.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nWho keeps it?"
            "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
        ),
        bos="<|begin_of_text|>",
        eos="<|eot_id|>",
        controls=("<|start_header_id|>", "<|end_header_id|>", "<|end_of_text|>", "<|eom_id|>"),
    ),
    Family(
        "llama-4",
        "llama4",
        # Meta, github.com/meta-llama/llama-models: models/llama4/prompt_format.md
        published=(
            "<|begin_of_text|><|header_start|>system<|header_end|>\n\nYou are a careful assistant.<|eot|>"
            "<|header_start|>user<|header_end|>\n\nWhat is a ledger?<|eot|><|header_start|>assistant<|header_end|>\n\n"
            "A book of records.<|eot|><|header_start|>user<|header_end|>\n\nWho keeps it?<|eot|>"
            "<|header_start|>assistant<|header_end|>\n\n"
        ),
        bos="<|begin_of_text|>",
        eos="<|eot|>",
        controls=("<|header_start|>", "<|header_end|>", "<|end_of_text|>", "<|eom|>"),
    ),
    Family(
        "gemma",
        "spm",
        # Google: ai.google.dev/gemma/docs/core/prompt-structure
        published=(
            "<bos><start_of_turn>user\nYou are a careful assistant.\n\nWhat is a ledger?<end_of_turn>\n"
            "<start_of_turn>model\nA book of records.<end_of_turn>\n<start_of_turn>user\nWho keeps it?<end_of_turn>\n"
            "<start_of_turn>model\n"
        ),
        bos="<bos>",
        eos="<eos>",
        controls=("<start_of_turn>", "<end_of_turn>"),
        space_prefix=False,
    ),
    Family(
        "gemma-4",
        "gemma4",
        # Google: chat template of google/gemma-4-31B-it
        published=(
            "<bos><|turn>system\nYou are a careful assistant.<turn|>\n<|turn>user\nWhat is a ledger?<turn|>\n"
            "<|turn>model\nA book of records.<turn|>\n<|turn>user\nWho keeps it?<turn|>\n<|turn>model\n"
            "<|channel>thought\n<channel|>"
        ),
        bos="<bos>",
        eos="<eos>",
        controls=("<|turn>", "<turn|>", "<|channel>", "<channel|>"),
    ),
    Family(
        "gemma-4-small",
        "gemma4",
        # Google: chat template of google/gemma-4-E2B-it
        published=(
            "<bos><|turn>system\nYou are a careful assistant.<turn|>\n<|turn>user\nWhat is a ledger?<turn|>\n"
            "<|turn>model\nA book of records.<turn|>\n<|turn>user\nWho keeps it?<turn|>\n<|turn>model\n"
        ),
        bos="<bos>",
        eos="<eos>",
        controls=("<|turn>", "<turn|>", "<|channel>", "<channel|>"),
    ),
    Family(
        "phi-3",
        "spm",
        # Microsoft: chat template of microsoft/Phi-3.5-mini-instruct
        published=(
            "<s><|system|>\nYou are a careful assistant.<|end|>\n<|user|>\nWhat is a ledger?<|end|>\n<|assistant|>\n"
            "A book of records.<|end|>\n<|user|>\nWho keeps it?<|end|>\n<|assistant|>\n"
        ),
        eos="<|endoftext|>",
        controls=("<|system|>", "<|user|>", "<|assistant|>", "<|end|>"),
    ),
    Family(
        "phi-4",
        "dbrx",
        # Microsoft: chat template of microsoft/phi-4
        published=(
            "<|im_start|>system<|im_sep|>You are a careful assistant.<|im_end|><|im_start|>user"
            "<|im_sep|>What is a ledger?<|im_end|><|im_start|>assistant<|im_sep|>A book of records.<|im_end|>"
            "<|im_start|>user<|im_sep|>Who keeps it?<|im_end|><|im_start|>assistant<|im_sep|>"
        ),
        bos="<|endoftext|>",
        eos="<|im_end|>",
        controls=("<|im_start|>", "<|im_end|>", "<|im_sep|>"),
        add_bos=False,
    ),
    Family(
        "phi-4-mini",
        "gpt-4o",
        # Microsoft: card of microsoft/Phi-4-mini-instruct
        published=(
            "<|system|>You are a careful assistant.<|end|><|user|>What is a ledger?<|end|>"
            "<|assistant|>A book of records.<|end|><|user|>Who keeps it?<|end|><|assistant|>"
        ),
        bos="<|endoftext|>",
        eos="<|endoftext|>",
        controls=("<|system|>", "<|user|>", "<|assistant|>", "<|end|>"),
        add_bos=False,
    ),
    Family(
        "mistral-v3",
        "spm",
        # Mistral AI: mistral-common 1.13.1, tokenizer of version 3
        published=(
            "<s>[INST] What is a ledger?[/INST] A book of records.</s>[INST] You are a careful assistant.\n\n"
            "Who keeps it?[/INST]"
        ),
        controls=("[INST]", "[/INST]"),
    ),
    Family(
        "mistral-tekken",
        "tekken",
        # Mistral AI: mistral-common 1.13.1, tokenizer of version 3 with Tekken
        published=(
            "<s>[INST]What is a ledger?[/INST]A book of records.</s>[INST]You are a careful assistant.\n\nWho keeps it?"
            "[/INST]"
        ),
        controls=("[INST]", "[/INST]"),
    ),
    Family(
        "mistral-v7",
        "tekken",
        # Mistral AI: chat template of mistralai/Mistral-Small-3.2-24B-Instruct-2506
        published=(
            "<s>[SYSTEM_PROMPT]You are a careful assistant.[/SYSTEM_PROMPT][INST]What is a ledger?[/INST]A book of "
            "records.</s>[INST]Who keeps it?[/INST]"
        ),
        controls=("[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"),
    ),
    Family(
        "gpt-oss-harmony",
        "gpt-4o",
        # OpenAI, github.com/openai/harmony: docs/format.md
        published=(
            "<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\n"
            "Knowledge cutoff: 2024-06\nCurrent date: <today %Y-%m-%d>\n\nReasoning: medium\n\n"
            "# Valid channels: analysis, commentary, final. Channel must be included for every message.<|end|>"
            "<|start|>developer<|message|># Instructions\n\nYou are a careful assistant.<|end|><|start|>user"
            "<|message|>What is a ledger?<|end|><|start|>assistant<|channel|>final<|message|>A book of records.<|end|>"
            "<|start|>user<|message|>Who keeps it?<|end|><|start|>assistant"
        ),
        bos="<|startoftext|>",
        eos="<|return|>",
        controls=("<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|call|>"),
        add_bos=False,
    ),
    Family(
        "deepseek-r1",
        "deepseek-r1-qwen",
        # DeepSeek: chat template of deepseek-ai/DeepSeek-R1-Distill-Llama-8B
        published=(
            "<｜begin▁of▁sentence｜>You are a careful assistant.<｜User｜>What is a ledger?"
            "<｜Assistant｜>A book of records.<｜end▁of▁sentence｜><｜User｜>Who keeps it?<｜Assistant｜><think>\n"
        ),
        bos="<｜begin▁of▁sentence｜>",
        eos="<｜end▁of▁sentence｜>",
        controls=("<｜User｜>", "<｜Assistant｜>"),
    ),
    Family(
        "command-r",
        "command-r",
        # Cohere: chat template of CohereForAI/c4ai-command-r-plus
        published=(
            "<BOS_TOKEN><|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>You are a careful assistant.<|END_OF_TURN_TOKEN|>"
            "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>What is a ledger?<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|>"
            "<|CHATBOT_TOKEN|>A book of records.<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>Who keeps it?"
            "<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>"
        ),
        bos="<BOS_TOKEN>",
        eos="<|END_OF_TURN_TOKEN|>",
        controls=("<|START_OF_TURN_TOKEN|>", "<|SYSTEM_TOKEN|>", "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>", "<EOS_TOKEN>"),
    ),
    Family(
        "command-r7b",
        "command-r",
        # Cohere: chat template of CohereForAI/c4ai-command-r7b-12-2024, its preamble left out
        published=(
            "<BOS_TOKEN><|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>You are a careful assistant.<|END_OF_TURN_TOKEN|>"
            "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>What is a ledger?<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|>"
            "<|CHATBOT_TOKEN|><|START_RESPONSE|>A book of records.<|END_RESPONSE|><|END_OF_TURN_TOKEN|>"
            "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>Who keeps it?<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|>"
            "<|CHATBOT_TOKEN|><|START_THINKING|><|END_THINKING|>"
        ),
        bos="<BOS_TOKEN>",
        eos="<|END_OF_TURN_TOKEN|>",
        controls=(
            "<|START_OF_TURN_TOKEN|>",
            "<|SYSTEM_TOKEN|>",
            "<|USER_TOKEN|>",
            "<|CHATBOT_TOKEN|>",
            "<EOS_TOKEN>",
            "<|START_RESPONSE|>",
            "<|END_RESPONSE|>",
            "<|START_THINKING|>",
            "<|END_THINKING|>",
        ),
    ),
    Family(
        "nemotron-h",
        "pixtral",
        # NVIDIA: chat template of nvidia/NVIDIA-Nemotron-Nano-9B-v2
        published=(
            "<SPECIAL_10>System\nYou are a careful assistant.\n\n<SPECIAL_11>User\nWhat is a ledger?\n"
            "<SPECIAL_11>Assistant\nA book of records.\n<SPECIAL_12>\n<SPECIAL_11>User\nWho keeps it?\n"
            "<SPECIAL_11>Assistant\n<think>\n"
        ),
        eos="<SPECIAL_12>",
        controls=("<SPECIAL_10>", "<SPECIAL_11>", "</s>"),
        add_bos=False,
    ),
)
